"""Migrations on a real Postgres."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from headrace_runtime.errors import FatalError
from headrace_runtime.pg.migrate import migrate

FIRST = "CREATE TABLE thing (name text PRIMARY KEY);"
SECOND = "INSERT INTO thing VALUES ('made'); SELECT pg_sleep(0.2);"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with two migrations."""
    name = "package_" + tmp_path.name.replace("-", "_")
    folder = tmp_path / name / "migrations"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "0002_pre_row.sql").write_text(SECOND)
    (folder / "0001_pre_table.sql").write_text(FIRST)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(name, None)
    return name


async def test_files_are_applied_once_in_the_order_of_their_names(
    clean_schema: str, package: str
) -> None:
    connection = await asyncpg.connect(clean_schema, server_settings={"search_path": "scheduler"})
    names = [f"{package}/0001_pre_table.sql", f"{package}/0002_pre_row.sql"]
    assert await migrate(connection, package) == names
    assert await migrate(connection, package) == []
    assert await connection.fetchval("SELECT count(*) FROM thing") == 1
    await connection.close()


async def test_a_file_that_changed_after_it_was_applied_is_rejected(
    clean_schema: str, package: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(clean_schema, server_settings={"search_path": "scheduler"})
    await migrate(connection, package)
    (tmp_path / package / "migrations" / "0001_pre_table.sql").write_text(FIRST + "\n")
    with pytest.raises(FatalError, match=r"0001_pre_table\.sql has changed"):
        await migrate(connection, package)
    await connection.close()


async def test_concurrent_callers_wait_for_each_other(clean_schema: str, package: str) -> None:
    settings = {"search_path": "scheduler"}
    connections = [await asyncpg.connect(clean_schema, server_settings=settings) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(one, package) for one in connections))
    assert sorted(map(len, applied)) == [0, 0, 2]
    for one in connections:
        await one.close()


async def test_a_failing_file_changes_nothing(
    clean_schema: str, package: str, tmp_path: Path
) -> None:
    (tmp_path / package / "migrations" / "0003_pre_bad.sql").write_text("CREATE TABLE thing ();")
    connection = await asyncpg.connect(clean_schema, server_settings={"search_path": "scheduler"})
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(connection, package)
    assert await connection.fetchval("SELECT to_regclass('thing')") is None
    await connection.close()

"""Every named query of every service: Postgres accepts it, and code uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import chain
from pathlib import Path

import asyncpg
import pytest
from headrace_runtime.pg.migrate import migrate
from headrace_runtime.pg.queries import load_queries

from tests.support.servers import Servers

SERVICES = ("api", "scheduler", "executor", "recorder")
SHARED = "headrace_runtime"
PLACEHOLDERS = {"{sort}": "created_at", "{where}": "TRUE", "{order}": "created_at", "{limit}": "1"}
"""Of the queries for lists, which `headrace_runtime.lists` fills."""


def query_files(root: str) -> list[tuple[str, str]]:
    """The SQL files of a package and its subpackages, without migrations, as arguments of
    `load_queries`."""
    folder = Path(str(files(root)))
    return [
        (".".join((root, *path.parent.relative_to(folder).parts)), path.name)
        for path in sorted(folder.rglob("*.sql"))
        if path.parent.name != "migrations"
    ]


FILES = {root: query_files(root) for root in (SHARED, *(f"headrace_{s}" for s in SERVICES))}


def named() -> Iterator[tuple[str, str, str]]:
    for package, file in chain.from_iterable(FILES.values()):
        for name in load_queries(package, file):
            yield package, file, name


@pytest.fixture(scope="module")
async def prepared(servers: Servers) -> dict[str, str]:
    """The errors of Postgres for the queries that it rejects, by package and name."""
    servers.start("postgres")
    rejected: dict[str, str] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(
            servers.dsn(service), server_settings={"search_path": service}
        )
        await migrate(connection, "headrace_runtime.pg", f"headrace_{service}")
        for package, file in FILES[SHARED] + FILES[f"headrace_{service}"]:
            for name, sql in load_queries(package, file).items():
                for placeholder, text in PLACEHOLDERS.items():
                    sql = sql.replace(placeholder, text)
                if re.search(r"\{\w+\}", sql):
                    continue  # a placeholder of its own; the list's own tests execute it
                try:
                    await connection.prepare(sql)
                except asyncpg.PostgresError as error:
                    rejected[f"{package}/{name}"] = str(error)
        await connection.close()
    return rejected


async def test_postgres_accepts_every_query(prepared: dict[str, str]) -> None:
    assert prepared == {}


@pytest.mark.parametrize(("package", "file", "name"), list(named()))
def test_every_query_is_used_and_states_its_purpose(package: str, file: str, name: str) -> None:
    folder = Path(str(files(package.partition(".")[0])))
    sources = "".join(path.read_text() for path in folder.rglob("*.py"))
    used = name.removeprefix("count_")  # the count of a list is used by the name of the list
    assert re.search(rf'"(count_)?{used}"', sources), "no code uses it"
    assert load_queries(package, file)[name].startswith("-- "), "its purpose is missing"

"""Every named query of every service: Postgres accepts it, and somebody uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest
from headrace_runtime.pg.migrate import migrate
from headrace_runtime.pg.queries import load_queries

from tests.support.servers import Servers

SERVICES = ("api", "scheduler", "executor", "recorder")
RECORDER_PARTS = ("cache", "history", "lineage", "metrics", "retention", "runs")
FILES = [
    ("headrace_runtime.pg", "queries.sql"),
    ("headrace_runtime.pg", "migrate.sql"),
    *((f"headrace_{name}", "queries.sql") for name in SERVICES if name != "recorder"),
    *((f"headrace_recorder.{name}", "queries.sql") for name in RECORDER_PARTS),
    ("headrace_api", "once.sql"),
]


def named() -> Iterator[tuple[str, str, str]]:
    for package, file in FILES:
        for name in load_queries(package, file):
            yield package, file, name


@pytest.fixture(scope="module")
async def prepared(servers: Servers) -> dict[str, str]:
    """What Postgres says against each query, by package and name."""
    servers.start("postgres")
    refused: dict[str, str] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(
            servers.dsn(service), server_settings={"search_path": service}
        )
        await migrate(connection, "headrace_runtime.pg", f"headrace_{service}")
        for package, file in FILES:
            if package.partition(".")[0] in ("headrace_runtime", f"headrace_{service}"):
                for name, sql in load_queries(package, file).items():
                    try:
                        await connection.prepare(sql)
                    except asyncpg.PostgresError as error:
                        refused[f"{package}/{name}"] = str(error)
        await connection.close()
    return refused


async def test_postgres_accepts_every_query(prepared: dict[str, str]) -> None:
    assert prepared == {}


@pytest.mark.parametrize(("package", "file", "name"), list(named()))
def test_every_query_is_used_and_says_its_purpose(package: str, file: str, name: str) -> None:
    folder = Path(str(files(package)))
    sources = "".join(path.read_text() for path in folder.rglob("*.py"))
    assert re.search(rf'"{name}"', sources), "nobody uses it"
    assert load_queries(package, file)[name].startswith("-- "), "it does not say what it is for"

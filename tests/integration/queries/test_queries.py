"""Every named query of every service: Postgres accepts it, code uses it, and it has a purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import asyncpg
import pytest
from headrace_runtime.pg.migrate import migrate

from tests.house.queries import Query, all_queries, is_used
from tests.support.postgres import postgres

RUNTIME = "headrace_runtime"
_PLACEHOLDER = re.compile(r"\{(?P<name>[a-z_]+)\}")
"""A part of a query that code fills in."""


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """The DSNs of the services' schemas."""
    with postgres() as found:
        yield found


def _filled(placeholder: re.Match[str]) -> str:
    """A column's number where the rows are ordered; NULL is valid in the place of all others."""
    return "1" if placeholder["name"].startswith("order") else "NULL"


async def _rejected(service: str, dsn: str, queries: list[Query]) -> dict[str, str]:
    """What Postgres says to each query that the migrated schema does not fit."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": service})
    try:
        await migrate(connection, f"{RUNTIME}.pg", f"headrace_{service}")
        rejected = {}
        for query in queries:
            try:
                await connection.prepare(_PLACEHOLDER.sub(_filled, query.sql))
            except asyncpg.PostgresError as error:
                rejected[str(query)] = str(error)
        return rejected
    finally:
        await connection.close()


async def test_postgres_accepts_every_query(addresses: dict[str, str]) -> None:
    rejected: dict[str, str] = {}
    prepared = set()
    for service, dsn in addresses.items():
        package = f"headrace_{service}"
        if files(package).joinpath("migrations").is_dir():
            queries = [query for query in all_queries() if query.package in (RUNTIME, package)]
            rejected |= await _rejected(service, dsn, queries)
            prepared |= set(queries)
    assert rejected == {}
    assert [str(query) for query in all_queries() if query not in prepared] == []


@pytest.mark.parametrize("query", all_queries(), ids=str)
def test_a_query_is_used_and_has_a_purpose(query: Query) -> None:
    assert is_used(query), "no code names it"
    assert query.sql.startswith("-- "), "its first line does not say what it is for"

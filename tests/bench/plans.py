"""Records the statements of a request, and how Postgres executes them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from headrace_runtime.pg.database import Database

_ASKING = ("fetch", "fetchrow", "fetchval", "execute")


class WatchedDatabase:
    """A database that records the statements that read from it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        """The statements and their arguments since the list was last emptied."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        """As `Database.read`."""
        async with self._database.read() as connection:
            yield _WatchedConnection(connection, self.asked)

    async def plans(self) -> list[Plan]:
        """The plans of the recorded statements."""
        plans = []
        async with self._database.read() as connection:
            for sql, arguments in self.asked:
                found = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
                plans.append(Plan(json.loads(found)[0]["Plan"]))
        return plans


class _WatchedConnection:
    def __init__(self, connection: Any, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._connection = connection
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in _ASKING:
            return method

        async def ask(sql: str, *arguments: Any) -> Any:
            self._asked.append((sql, arguments))
            return await method(sql, *arguments)

        return ask

    async def prepare(self, sql: str) -> _WatchedStatement:
        return _WatchedStatement(await self._connection.prepare(sql), sql, self._asked)


class _WatchedStatement:
    def __init__(self, statement: Any, sql: str, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._statement = statement
        self._sql = sql
        self._asked = asked

    async def fetch(self, *arguments: Any) -> Any:
        self._asked.append((self._sql, arguments))
        return await self._statement.fetch(*arguments)


class Plan:
    """An execution plan of Postgres."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    @property
    def shape(self) -> str:
        """Its nodes, each with the table or index it reads, from the top down."""
        return " < ".join(self._words(node) for node in _nodes(self._root))

    def reads_all_of(self, table: str) -> bool:
        """Whether it reads a whole table."""
        return any(
            node["Node Type"] == "Seq Scan" and node["Relation Name"] == table
            for node in _nodes(self._root)
        )

    @staticmethod
    def _words(node: dict[str, Any]) -> str:
        read = node.get("Index Name") or node.get("Relation Name")
        return node["Node Type"] + (f"({read})" if read else "")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)

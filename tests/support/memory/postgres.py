"""Postgres in memory: transactions at READ COMMITTED with row locks, for named queries.

A query is a Python function over tables, registered under the name that it has in its `.sql` file.
Each statement sees what is committed when it starts, and what its own transaction has written. A
row that another transaction has written or locked makes the statement wait for the end of that
transaction, and then start over. A query without a function fails with its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import asyncpg
from headrace_runtime.pg.database import _encode as encode_json
from headrace_runtime.pg.queries import load_queries

Key = tuple[Any, ...]
Row = dict[str, Any]
Query = Callable[..., list[Row] | int]

_ANSWERS: dict[tuple[str, str], Query] = {}


def answers(package: str, name: str) -> Callable[[Query], Query]:
    """Register the function of the query with this name in this package's `queries.sql`."""

    def register(query: Query) -> Query:
        _ANSWERS[package, name] = query
        return query

    return register


def names_of_queries(packages: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The package and name of each query, by its text."""
    return {
        sql: (package, name) for package in packages for name, sql in load_queries(package).items()
    }


class Blocked(Exception):
    """A statement needs a row that another transaction holds."""

    def __init__(self, holder: Transaction) -> None:
        self.holder = holder
        super().__init__("the row is locked")


class Schema:
    """The committed tables of one service, and who holds which of their rows."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.tables: dict[str, dict[Key, Row]] = defaultdict(dict)
        self.locks: dict[tuple[str, Key], Transaction] = {}
        self.messages: dict[Key, Row] = {}
        """Every row that was ever committed to the outbox."""
        self._sequences: dict[str, Iterator[int]] = defaultdict(lambda: count(1))

    def next(self, sequence: str) -> int:
        """The next number of an identity column."""
        return next(self._sequences[sequence])


class Transaction:
    """What one transaction has written and locked."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.started = schema.now()
        self.writes: dict[str, dict[Key, Row | None]] = defaultdict(dict)
        self.is_failed = False
        self.waits_for: Transaction | None = None
        self._held: list[tuple[str, Key]] = []
        self._when_ended: list[Callable[[], None]] = []

    def run(self, name: tuple[str, str], arguments: Sequence[Any]) -> list[Row] | int:
        """Run one statement; nothing of it remains if it raises."""
        query = _ANSWERS.get(name)
        if query is None:
            raise NotImplementedError(
                f"the query {name[1]!r} of {name[0]} has no function in tests/support/memory: "
                "add one beside those of the same package, and a case to "
                "tests/integration/memory"
            )
        statement = Statement(self)
        result = query(statement, *map(_stored, arguments))
        for table, rows in statement.writes.items():
            self.writes[table].update(rows)
        for lock in statement.locked:
            if lock not in self.schema.locks:
                self.schema.locks[lock] = self
                self._held.append(lock)
        return result

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call something when the locks are free."""
        self._when_ended.append(call)

    def would_deadlock(self, holder: Transaction) -> bool:
        """Whether `holder` waits for this transaction."""
        waiting: Transaction | None = holder
        while waiting is not None and waiting is not self:
            waiting = waiting.waits_for
        return waiting is self

    def commit(self) -> None:
        """Make the writes visible, unless a statement has failed."""
        for table, rows in self.writes.items() if not self.is_failed else ():
            for key, row in rows.items():
                if row is None:
                    self.schema.tables[table].pop(key, None)
                else:
                    self.schema.tables[table][key] = row
            if table == "outbox":
                self.schema.messages |= {k: r for k, r in rows.items() if r is not None}
        self.end()

    def end(self) -> None:
        """Free the locks; without a commit nothing else remains."""
        for lock in self._held:
            del self.schema.locks[lock]
        self._held = []
        calls, self._when_ended = self._when_ended, []
        for call in calls:
            call()


class Statement:
    """One statement: what a query's function sees and does."""

    def __init__(self, transaction: Transaction) -> None:
        self.writes: dict[str, dict[Key, Row | None]] = defaultdict(dict)
        self.locked: list[tuple[str, Key]] = []
        self._transaction = transaction
        self._schema = transaction.schema

    @property
    def now(self) -> datetime:
        """``now()``: when the transaction began."""
        return self._transaction.started

    @property
    def clock(self) -> datetime:
        """``clock_timestamp()``."""
        return self._schema.now()

    def next(self, sequence: str) -> int:
        """The next number of an identity column."""
        return self._schema.next(sequence)

    def rows(self, table: str) -> list[tuple[Key, Row]]:
        """The visible rows of a table; they must not be changed."""
        committed = self._schema.tables[table]
        written = self._transaction.writes.get(table, {}) | self.writes.get(table, {})
        if not written:
            return list(committed.items())
        return [(k, r) for k, r in (committed | written).items() if r is not None]

    def get(self, table: str, key: Key) -> Row | None:
        """One visible row."""
        for writes in (self.writes, self._transaction.writes):
            if key in writes.get(table, {}):
                return writes[table][key]
        return self._schema.tables[table].get(key)

    def is_free(self, table: str, key: Key) -> bool:
        """Whether no other transaction holds a row."""
        return self._schema.locks.get((table, key), self._transaction) is self._transaction

    def lock(self, table: str, key: Key) -> None:
        """Hold a row, or a key that has none yet, until the end of the transaction."""
        holder = self._schema.locks.get((table, key), self._transaction)
        if holder is not self._transaction:
            raise Blocked(holder)
        self.locked.append((table, key))

    def put(self, table: str, key: Key, row: Row) -> Row:
        """Insert or replace a row."""
        self.lock(table, key)
        self.writes[table][key] = row
        return row

    def change(self, table: str, key: Key, row: Row, **values: Any) -> Row:
        """Update some columns of a row."""
        return self.put(table, key, row | values)

    def insert(self, table: str, key: Key, row: Row) -> Row | None:
        """Insert a row; None if there is one with this key (``ON CONFLICT DO NOTHING``)."""
        if self.get(table, key) is not None:
            return None
        return self.put(table, key, row)

    def delete(self, table: str, keys: Iterable[Key]) -> int:
        """Delete rows; returns how many."""
        found = list(keys)
        for key in found:
            self.lock(table, key)
            self.writes[table][key] = None
        return len(found)


def _stored(value: Any) -> Any:
    """An argument as Postgres stores it: JSON goes through its text."""
    if isinstance(value, list | tuple):
        return [_stored(one) for one in value]
    if isinstance(value, dict) or hasattr(value, "to_json"):
        import orjson

        text = encode_json(value)
        if "\\u0000" in text:
            raise asyncpg.UntranslatableCharacterError("\\u0000 cannot be converted to text.")
        return orjson.loads(text)
    return value

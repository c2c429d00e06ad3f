"""The client's side of Postgres in memory: a pool, its connections and their transactions.

The faults of its wire are ``statement`` (the connection is lost before a statement), ``conflict``
(a transaction cannot be serialized), ``commit`` (the connection is lost before a commit) and
``acknowledgement`` (it is lost after one).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from tests.support.memory.postgres import Blocked, Row, Schema, Transaction, names_of_queries
from tests.support.memory.wire import Wire, at_end_of_process, later

_STATEMENT_SECONDS = 10.0
_IDLE_IN_TRANSACTION_SECONDS = 30.0


class MemoryPostgres:
    """The server: a schema for each service."""

    def __init__(self, packages: Sequence[str], now: Callable[[], datetime], wire: Wire) -> None:
        self.names = names_of_queries(packages)
        self.wire = wire
        self.is_down = False
        self._now = now
        self._schemas: dict[str, Schema] = {}
        self._connections: set[MemoryConnection] = set()

    def schema(self, name: str) -> Schema:
        """The tables of one service."""
        return self._schemas.setdefault(name, Schema(self._now))

    def opened(self, connection: MemoryConnection) -> None:
        """A client has connected; its process closes the connection when it ends."""
        self._connections.add(connection)
        at_end_of_process(connection.hang_up)

    def closed(self, connection: MemoryConnection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    def stop(self) -> None:
        """Kill the server: every connection is lost, and none can be opened until `start`."""
        self.is_down = True
        for connection in sorted(self._connections, key=lambda one: one.number):
            connection.lose()

    def start(self) -> None:
        """Start it again; what was committed is there."""
        self.is_down = False


class MemoryPool:
    """The connections of one service."""

    def __init__(self, server: MemoryPostgres, schema: str, size: int = 8) -> None:
        self._server = server
        self._schema = server.schema(schema)
        self._room = asyncio.Semaphore(size)
        self._idle: list[MemoryConnection] = []

    async def acquire(self, **_: Any) -> MemoryConnection:
        await self._room.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_lost:
                    return connection
            await asyncio.sleep(self._server.wire.delay())
            if self._server.is_down:
                raise ConnectionRefusedError("postgres is down")
            return MemoryConnection(self._server, self._schema)
        except BaseException:
            self._room.release()
            raise

    async def release(self, connection: MemoryConnection, **_: Any) -> None:
        if connection.has_open_transaction:
            connection.lose()
        if not connection.is_lost:
            self._idle.append(connection)
        self._room.release()

    async def close(self) -> None:
        self.terminate()

    def terminate(self) -> None:
        for connection in self._idle:
            connection.lose()


class _Request:
    """One request of a client, and the future of its answer."""

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.is_over = False


class MemoryConnection:
    """A connection. The server carries out its requests one after another."""

    _numbers = 0

    def __init__(self, server: MemoryPostgres, schema: Schema) -> None:
        MemoryConnection._numbers += 1
        self.number = MemoryConnection._numbers
        self.is_lost = False
        self._server = server
        self._schema = schema
        self._open: Transaction | None = None
        self._requests: deque[_Request] = deque()
        self._arrives = self._answered = 0.0
        server.opened(self)

    @property
    def has_open_transaction(self) -> bool:
        """Whether a transaction has neither been committed nor rolled back."""
        return self._open is not None

    # -- what asyncpg offers ------------------------------------------------------------------

    async def fetch(self, sql: str, *arguments: Any, **_: Any) -> list[Row]:
        result = await self._ask("statement", self._name(sql), arguments)
        assert isinstance(result, list)
        return [dict(row) for row in result]

    async def fetchrow(self, sql: str, *arguments: Any, **_: Any) -> Row | None:
        rows = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any, **_: Any) -> Any:
        row = await self.fetchrow(sql, *arguments)
        return next(iter(row.values())) if row else None

    async def execute(self, sql: str, *arguments: Any, **_: Any) -> str:
        result = await self._ask("statement", self._name(sql), arguments)
        changed = result if isinstance(result, int) else len(result)
        verb = next(word for word in ("INSERT", "UPDATE", "DELETE", "SELECT") if word in sql)
        return f"INSERT 0 {changed}" if verb == "INSERT" else f"{verb} {changed}"

    def is_closed(self) -> bool:
        return self.is_lost

    @asynccontextmanager
    async def transaction(self, **_: Any) -> AsyncIterator[None]:
        await self._ask("begin")
        try:
            yield
        except BaseException:
            if not self.is_lost:
                await self._ask("rollback")
            raise
        await self._ask("commit")

    # -- the way there and back -----------------------------------------------------------------

    def _name(self, sql: str) -> tuple[str, str]:
        if sql not in self._server.names:
            raise NotImplementedError(f"not a named query: {sql[:80]}")
        return self._server.names[sql]

    async def _ask(self, name: str, *arguments: Any) -> Any:
        if self.is_lost:
            raise asyncpg.InterfaceError("connection is closed")
        request = _Request(name, arguments)
        loop = asyncio.get_running_loop()
        self._arrives = max(self._arrives, loop.time() + self._server.wire.delay())
        later(self._arrives - loop.time(), self._arrive, request)
        try:
            return await request.answer
        except asyncio.CancelledError:
            self._cancel(request)
            raise

    def _arrive(self, request: _Request) -> None:
        if self.is_lost:
            self._answer(request, error=asyncpg.ConnectionDoesNotExistError("connection was lost"))
            return
        self._requests.append(request)
        if len(self._requests) == 1:
            self._serve()

    def _serve(self) -> None:
        """Carry out the requests that have arrived, up to one that has to wait."""
        while self._requests:
            request = self._requests[0]
            if not request.is_over:
                try:
                    result = self._carry_out(request)
                except Blocked as blocked:
                    self._wait(request, blocked.holder)
                    return
                except Exception as error:
                    if self._open is not None:
                        self._open.is_failed = True
                    self._answer(request, error=error)
                else:
                    self._answer(request, result)
            if self._requests:
                self._requests.popleft()

    def _carry_out(self, request: _Request) -> Any:
        wire = self._server.wire
        if request.name == "begin":
            self._open = Transaction(self._schema)
            return None
        if request.name == "statement":
            if wire.strikes("statement"):
                self.lose()
                raise asyncpg.ConnectionDoesNotExistError("connection was lost in a statement")
            return self._run(*request.arguments)
        open_, self._open = self._open, None
        assert open_ is not None
        if request.name == "rollback":
            open_.end()
            return None
        if wire.strikes("conflict"):
            open_.end()
            raise asyncpg.SerializationError("could not serialize access")
        if wire.strikes("commit"):
            open_.end()
            self.lose()
            raise asyncpg.ConnectionDoesNotExistError("connection was lost before the commit")
        open_.commit()
        if wire.strikes("acknowledgement"):
            self.lose()
            raise asyncpg.ConnectionDoesNotExistError("connection was lost after the commit")
        return None

    def _run(self, name: tuple[str, str], arguments: Sequence[Any]) -> Any:
        if self._open is not None:
            if self._open.is_failed:
                raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")
            return self._open.run(name, arguments)
        alone = Transaction(self._schema)
        try:
            result = alone.run(name, arguments)
        except BaseException:
            alone.end()
            raise
        alone.commit()
        return result

    def _wait(self, request: _Request, holder: Transaction) -> None:
        """Start the statement over when the other transaction has ended."""
        mine = self._open
        if mine is not None:
            if mine.would_deadlock(holder):
                mine.is_failed = True
                self._requests.popleft()
                self._answer(request, error=asyncpg.DeadlockDetectedError("deadlock detected"))
                self._serve()
                return
            mine.waits_for = holder

        def again() -> None:
            if mine is not None:
                mine.waits_for = None
            if self._requests and self._requests[0] is request:
                self._serve()

        def give_up() -> None:
            if self._requests and self._requests[0] is request and not request.answer.done():
                error = asyncpg.QueryCanceledError("canceling statement due to statement timeout")
                self._fail(request, error)

        holder.when_ended(lambda: later(0, again))
        later(_STATEMENT_SECONDS, give_up)

    def _fail(self, request: _Request, error: Exception) -> None:
        """End the request that waits."""
        if self._open is not None:
            self._open.is_failed = True
            self._open.waits_for = None
        request.is_over = True
        self._answer(request, error=error)
        self._serve()

    def _cancel(self, request: _Request) -> None:
        """The client does not wait any more; a statement that has not begun does not begin."""
        if self._requests and self._requests[0] is request:
            later(0, self._fail, request, asyncpg.QueryCanceledError("canceled by the client"))
        elif request.name == "statement":
            request.is_over = True

    def _answer(
        self, request: _Request, result: Any = None, error: Exception | None = None
    ) -> None:
        def arrive() -> None:
            if not request.answer.done():
                if error is None:
                    request.answer.set_result(result)
                else:
                    request.answer.set_exception(error)

        loop = asyncio.get_running_loop()
        self._answered = max(self._answered, loop.time() + self._server.wire.delay())
        later(self._answered - loop.time(), arrive)

    def lose(self) -> None:
        """The connection breaks: the server rolls back what is open."""
        if self.is_lost:
            return
        self.is_lost = True
        self._server.closed(self)
        open_, self._open = self._open, None
        if open_ is not None:
            open_.end()
        while self._requests:
            request = self._requests.popleft()
            self._answer(request, error=asyncpg.ConnectionDoesNotExistError("connection was lost"))

    def hang_up(self) -> None:
        """The client's process has ended: what it had sent still arrives."""
        sent = max(0.0, self._arrives - asyncio.get_running_loop().time())
        later(sent + self._server.wire.delay(), self.lose)

    def freeze(self) -> None:
        """The client is stopped: the server ends a transaction that is idle for too long."""

        def end(idle: Transaction) -> None:
            if self._open is idle:
                self.lose()

        if self._open is not None:
            later(_IDLE_IN_TRANSACTION_SECONDS, end, self._open)

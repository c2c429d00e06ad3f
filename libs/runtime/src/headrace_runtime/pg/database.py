"""A service's schema in Postgres: read-only connections, and units that commit state and messages.

Invariant: the messages of a unit commit together with its state. They are published right after
the commit; if the process ends in between, the sweeper publishes them later with the same ids.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NewType, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson
from headrace_contracts.base import Contract
from headrace_contracts.ids import new_id
from headrace_contracts.messages import cloudevents

from headrace_runtime.bus.publisher import OutgoingMessage
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.migrate import migrate
from headrace_runtime.pg.queries import load_queries

T = TypeVar("T")
if TYPE_CHECKING:  # generic in the stubs only
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.pool.PoolConnectionProxy
ReadConnection = NewType("ReadConnection", Connection)

_QUERIES = load_queries("headrace_runtime.pg")
_TRIES = 4
_ACQUIRE_SECONDS = 10.0
_PUBLICATION_SECONDS = 0.5
"""For how long a committed unit waits for its publication, which usually takes milliseconds. With a
bus that does not respond the caller goes on; nothing is lost, since the messages are committed."""

_TRANSIENT = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,  # the server's timeout, which may expire before the client's
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class Publishable(Protocol):
    """An event or command."""

    @property
    def subject(self) -> str: ...

    @property
    def type(self) -> str: ...

    def to_json(self) -> bytes: ...


class MessagePublisher(Protocol):
    """Publishes committed messages."""

    async def publish(self, messages: list[OutgoingMessage]) -> list[UUID]:
        """Publish the messages and return the ids that the server acknowledged."""
        ...


class Unit:
    """A unit of work: one transaction and the messages that commit with it."""

    def __init__(self, connection: Connection, service: str) -> None:
        self.connection = connection
        self.staged: list[OutgoingMessage] = []
        self._service = service

    async def admit(self, consumer: str, message_ids: Iterable[str]) -> set[str]:
        """Record these messages in the inbox and return the ids that are new to the consumer."""
        rows = await self.connection.fetch(_QUERIES["admit"], consumer, list(message_ids))
        return {row["message_id"] for row in rows}

    def publish(self, message: Publishable, message_id: UUID | None = None) -> None:
        """Stage a message. With a derived `message_id`, a repetition of it is dropped."""
        identity = message_id or new_id()
        run_id = getattr(message, "run_id", None)
        self.staged.append(
            OutgoingMessage(
                event_id=identity,
                subject=message.subject,
                headers=cloudevents.headers(
                    identity,
                    self._service,
                    message.type,
                    str(run_id) if run_id else None,
                    datetime.now(UTC),
                ),
                body=message.to_json(),
            )
        )

    async def flush(self) -> None:
        """Write the staged messages to the outbox."""
        if self.staged:
            await self.connection.execute(
                _QUERIES["stage_messages"],
                [message.event_id for message in self.staged],
                [message.subject for message in self.staged],
                [message.headers for message in self.staged],
                [message.body for message in self.staged],
            )


class Database:
    """The connection pool of one service. No other code commits."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], service: str, publisher: MessagePublisher
    ) -> None:
        self._pool = pool
        self._service = service
        self._publisher = publisher
        self._published: list[UUID] = []
        self._publications: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        """A connection of the pool. The pool's own timeout would create a task for each call."""
        async with asyncio.timeout(_ACQUIRE_SECONDS):
            connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadConnection]:
        """A connection for queries only.

        Raises:
            RetryableError: Postgres is unavailable.
        """
        async with self._mapping_errors() as connection:
            yield ReadConnection(connection)

    @asynccontextmanager
    async def _mapping_errors(self) -> AsyncIterator[Connection]:
        """A connection, outside of a transaction, whose transient errors are `RetryableError`."""
        try:
            async with self._acquired() as connection:
                yield connection
        except _TRANSIENT as error:
            raise RetryableError(f"postgres: {error!r}") from error

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `work` in one transaction, publish the messages that it staged, return its result.
        The result does not wait long for the publication.

        After a transient error of Postgres `work` runs again from the start, so it must have no
        effect outside the transaction.

        Raises:
            RetryableError: Postgres was unavailable in every try.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                async with (
                    self._acquired() as connection,
                    connection.transaction(),
                ):
                    unit = Unit(connection, self._service)
                    result = await work(unit)
                    await unit.flush()
                break
            except _TRANSIENT as error:
                if not tries_left:
                    raise RetryableError(f"postgres: {error!r}") from error
                await asyncio.sleep(random.uniform(0.02, 0.2) * (_TRIES - tries_left))  # noqa: S311
        if unit.staged:
            await self._start_publication(unit.staged)
        return result

    async def _start_publication(self, messages: list[OutgoingMessage]) -> None:
        """Publish committed messages, and wait for it for a short time only."""
        publication = asyncio.create_task(self._publish(messages))
        self._publications.add(publication)
        publication.add_done_callback(self._publications.discard)
        done, _ = await asyncio.wait({publication}, timeout=_PUBLICATION_SECONDS)
        for one in done:
            one.result()

    async def _publish(self, messages: list[OutgoingMessage]) -> None:
        self._published += await self._publisher.publish(messages)

    def stop_publishing(self) -> None:
        """Cancel what is being published; the sweeper publishes it after the next start."""
        for publication in self._publications:
            publication.cancel()

    async def sweep(self, older_than_seconds: float) -> int:
        """Publish committed messages that were never acknowledged; return how many there were."""
        async with self.read() as connection:
            rows = await connection.fetch(_QUERIES["unpublished"], _interval(older_than_seconds))
        if rows:
            await self._publish([OutgoingMessage(**row) for row in rows])
        return len(rows)

    async def mark_published(self) -> None:
        """Record the messages acknowledged since the last call. If the record is lost, they are
        published again, with the same ids."""
        marked, self._published = self._published, []
        if not marked:
            return
        try:
            async with self._mapping_errors() as connection:
                await connection.execute(_QUERIES["mark_published"], marked)
        except RetryableError:
            self._published += marked
            raise

    async def purge(self, keep_hours: float) -> None:
        """Delete outbox and inbox rows older than `keep_hours`."""
        async with self._mapping_errors() as connection:
            await connection.execute(_QUERIES["purge_outbox"], _interval(keep_hours * 3600))
            await connection.execute(_QUERIES["purge_inbox"], _interval(keep_hours * 3600))

    async def time(self) -> datetime:
        """The time by Postgres' clock, for decisions that must not depend on which process makes
        them.

        Raises:
            RetryableError: Postgres is unavailable.
        """
        async with self.read() as connection:
            return await connection.fetchval(_QUERIES["time"])  # type: ignore[no-any-return]

    async def ping(self) -> None:
        """Check the connection; raises `RetryableError` when Postgres is unavailable."""
        async with self.read() as connection:
            await connection.execute(_QUERIES["ping"])


def _interval(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


async def _set_codecs(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=orjson.loads, format="text"
    )


def _encode(value: Any) -> str:
    if isinstance(value, Contract):
        return value.to_json().decode()
    return orjson.dumps(value).decode()


async def _no_reset(_: object) -> None:
    """Services use no session state, so a released connection needs no reset (a round trip)."""


@asynccontextmanager
async def open_database(
    dsn: str,
    service: str,
    publisher: MessagePublisher,
    *,
    pool_size: int,
    packages: tuple[str, ...],
) -> AsyncIterator[Database]:
    """Connect, waiting up to a minute for the server; migrate; provide the database."""
    pool = await _connect(dsn, service, pool_size)
    try:
        async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            await migrate(connection, "headrace_runtime.pg", *packages)  # type: ignore[arg-type]
        database = Database(pool, service, publisher)
        try:
            yield database
        finally:
            database.stop_publishing()
    finally:
        try:
            await asyncio.wait_for(pool.close(), 3)
        except (TimeoutError, *_TRANSIENT):
            pool.terminate()


async def _connect(dsn: str, service: str, pool_size: int) -> asyncpg.Pool[asyncpg.Record]:
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        try:
            return await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                command_timeout=10,
                timeout=5,
                max_inactive_connection_lifetime=300,
                init=_set_codecs,
                reset=_no_reset,
                server_settings={
                    "application_name": f"headrace-{service}",
                    "statement_timeout": "10s",
                    "idle_in_transaction_session_timeout": "30s",
                    "search_path": service,
                },
            )
        except (*_TRANSIENT, asyncpg.InvalidCatalogNameError, asyncpg.InvalidPasswordError):
            # The deployment creates roles and the database shortly after the server has started.
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)

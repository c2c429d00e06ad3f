"""A service's schema in Postgres: read-only connections, and units that commit state and messages.

Invariant: the messages of a unit commit together with its state. They are published right after
the commit; if the process ends in between, the sweeper publishes them later with the same ids.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NewType, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson
from headrace_contracts.base import Contract
from headrace_contracts.ids import new_id
from headrace_contracts.messages import cloudevents

from headrace_runtime.bus.publisher import OutgoingMessage, Published
from headrace_runtime.errors import (
    FatalError,
    PoisonError,
    RejectedError,
    RetryableError,
    TooEarlyError,
)
from headrace_runtime.faults import postgres
from headrace_runtime.faults.kinds import Kind, translated
from headrace_runtime.logging import get_logger
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
_CLOSE_SECONDS = 3.0
_PUBLICATION_SECONDS = 0.5
"""For how long a committed unit waits for its publication, which usually takes milliseconds. With a
bus that does not respond the caller goes on; nothing is lost, since the messages are committed."""


class Publishable(Protocol):
    """An event or command."""

    @property
    def subject(self) -> str: ...

    @property
    def type(self) -> str: ...

    def to_json(self) -> bytes: ...


class MessagePublisher(Protocol):
    """Publishes committed messages."""

    async def publish(self, messages: Sequence[OutgoingMessage]) -> list[Published]:
        """Publish the messages and return those that the server acknowledged."""
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: messages to publish, and how many of them the bus acknowledged."""

    found: int
    published: int


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

    async def time(self) -> datetime:
        """The time by Postgres' clock."""
        return await self.connection.fetchval(_QUERIES["time"])  # type: ignore[no-any-return]

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
        self._published: list[Published] = []
        self._publications: set[asyncio.Task[int]] = set()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        """A connection of the pool. An error that comes up while it is used is translated; if the
        state of the connection is not certain after it, the connection leaves the pool.

        Raises:
            RetryableError: Postgres is unavailable.
            NotStorableError: Postgres can never keep a value.
        """
        with _translating():
            # The pool's own timeout would create a task for each call.
            async with asyncio.timeout(_ACQUIRE_SECONDS):
                connection = await self._pool.acquire()
        try:
            with _translating(connection):
                yield connection
        finally:
            await self._release(connection)

    async def _release(self, connection: Connection) -> None:
        """Give a connection back. A fault of it says nothing about what was committed before; the
        pool drops the connection then."""
        try:
            await self._pool.release(connection)
        except Exception as error:
            get_logger().warning("connection_dropped", error=repr(error))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadConnection]:
        """A connection for queries only.

        Raises:
            RetryableError: Postgres is unavailable.
            NotStorableError: Postgres cannot read an argument.
        """
        async with self._acquired() as connection:
            yield ReadConnection(connection)

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `work` in one transaction, publish the messages that it staged, return its result.
        The result does not wait long for the publication.

        When Postgres is unavailable `work` runs again from the start, so it must have no effect
        outside the transaction. It may also run again after its own commit, if the connection was
        lost before the commit was confirmed.

        Raises:
            RetryableError: Postgres was unavailable in every try.
            NotStorableError: Postgres can never keep a value.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self._acquired() as connection, connection.transaction():
                    unit = Unit(connection, self._service)
                    result = await work(unit)
                    await unit.flush()
                break
            except TooEarlyError:
                raise
            except RetryableError:
                if not tries_left:
                    raise
                await asyncio.sleep(random.uniform(0.02, 0.2) * (_TRIES - tries_left))  # noqa: S311
        if unit.staged:
            await self._start_publication(unit.staged)
        return result

    async def _start_publication(self, messages: list[OutgoingMessage]) -> None:
        """Publish committed messages, and wait for it for a short time only."""
        publication = asyncio.create_task(self._publish(messages))
        self._publications.add(publication)
        publication.add_done_callback(self._publications.discard)
        await asyncio.wait({publication}, timeout=_PUBLICATION_SECONDS)

    async def _publish(self, messages: list[OutgoingMessage]) -> int:
        """Publish committed messages; returns how many. Those that cannot be published now are
        swept later."""
        try:
            published = await self._publisher.publish(messages)
        except Exception:
            get_logger().exception("publication_failed")
            return 0
        self._published += published
        return len(published)

    def stop_publishing(self) -> None:
        """Cancel what is being published; the sweeper publishes it after the next start."""
        for publication in self._publications:
            publication.cancel()

    async def sweep(self, older_than_seconds: float) -> Swept:
        """Publish committed messages that were never acknowledged, at most a batch."""
        async with self.read() as connection:
            rows = await connection.fetch(_QUERIES["unpublished"], _interval(older_than_seconds))
        if not rows:
            return Swept(0, 0)
        published = await self._publish([OutgoingMessage(**row) for row in rows])
        return Swept(len(rows), published)

    async def mark_published(self) -> None:
        """Record the messages acknowledged since the last call. If the record is lost, they are
        published again, with the same ids."""
        marked, self._published = self._published, []
        if not marked:
            return
        try:
            async with self._acquired() as connection:
                await connection.execute(
                    _QUERIES["mark_published"],
                    [one.event_id for one in marked],
                    [one.stream for one in marked],
                    [one.sequence for one in marked],
                    [one.identity for one in marked],
                )
        except RetryableError:
            self._published += marked
            raise

    async def has_published(self) -> bool:
        """Whether there are messages that the bus has acknowledged."""
        async with self.read() as connection:
            return bool(await connection.fetchval(_QUERIES["has_published"]))

    async def unpublish(self, stream: str, identity: str) -> int:
        """Have the messages published again that a stream of another identity acknowledged: they
        may be lost with it. Returns how many there are."""
        async with self._acquired() as connection:
            done = await connection.execute(_QUERIES["unpublish"], stream, identity)
        return int(done.split()[-1])

    async def delete_handled(self, stream: str, identity: str, sequence: int) -> None:
        """Delete the messages that all readers of a stream have acknowledged: those up to
        `sequence`."""
        async with self._acquired() as connection:
            await connection.execute(_QUERIES["delete_handled"], stream, identity, sequence)

    async def purge(self, keep_hours: float) -> None:
        """Delete inbox rows that are `keep_hours` older than the latest."""
        async with self._acquired() as connection:
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


@contextmanager
def _translating(connection: Connection | None = None) -> Iterator[None]:
    """Raise errors of Postgres as what the caller has to do about them; see `faults.postgres`. An
    error with which the connection was closed is one of the connection, however it is spelled."""
    try:
        yield
    except (RetryableError, RejectedError, PoisonError, FatalError):
        raise
    except Exception as error:
        kind = postgres.kind_of(error)
        if connection is not None:
            if kind is Kind.DEFECT and _is_closed(connection):
                kind = Kind.UNAVAILABLE
            if not _is_closed(connection) and not postgres.leaves_connection_in_order(error):
                connection.terminate()
        translation = translated(kind, postgres.STORE, error)
        if translation is None:
            raise
        raise translation from error


def _is_closed(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has already taken it back
        return True


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
    """Connect, migrate and provide the database.

    Raises:
        RetryableError: Postgres, or the service's role or database in it, is not ready.
    """
    with _translating():
        pool = await _create_pool(dsn, service, pool_size)
    try:
        with _translating():
            async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                await migrate(connection, "headrace_runtime.pg", *packages)  # type: ignore[arg-type]
        database = Database(pool, service, publisher)
        try:
            yield database
        finally:
            database.stop_publishing()
    finally:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()
        except Exception:  # whatever it is, the connections go
            pool.terminate()


async def _create_pool(dsn: str, service: str, pool_size: int) -> asyncpg.Pool[asyncpg.Record]:
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

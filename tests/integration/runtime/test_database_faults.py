"""What a database gives its callers for every error of a real Postgres, and that its pool recovers
by itself."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import uvloop
from headrace_runtime.bus.publisher import OutgoingMessage
from headrace_runtime.errors import NotStorableError, RejectedError, RetryableError
from headrace_runtime.faults import postgres
from headrace_runtime.faults.kinds import Kind
from headrace_runtime.pg.database import Database, Unit, open_database

from tests.support.servers import Servers
from tests.support.waiting import until_async

SERVICE = "scheduler"
TABLE = "CREATE TABLE odd (entry text PRIMARY KEY, small int, big bigint, body jsonb)"


class SilentPublisher:
    async def publish(self, messages: list[OutgoingMessage]) -> list[Any]:
        return []


@pytest.fixture
async def lone(clean_schema: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database with a single connection, which repeats without pauses."""
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)
    async with open_database(
        clean_schema, SERVICE, SilentPublisher(), pool_size=1, packages=()
    ) as made:
        yield made


async def execute(database: Database, sql: str, *arguments: object) -> None:
    async def work(unit: Unit) -> None:
        await unit.connection.execute(sql, *arguments)

    await database.transact(work)


async def backend(database: Database) -> int:
    """The process of the only connection."""
    async with database.read() as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


def states() -> list[str]:
    """Every SQLSTATE of an error that the client knows."""
    found = {
        str(one.sqlstate)
        for one in vars(asyncpg.exceptions).values()
        if isinstance(one, type) and issubclass(one, asyncpg.PostgresError) and one.sqlstate
    }
    return sorted(state for state in found if state[:2] not in ("00", "01", "02", "03"))


async def test_every_error_state_of_a_server(lone: Database) -> None:
    await execute(lone, TABLE)
    connection = await backend(lone)
    raised = dict.fromkeys(Kind, 0)
    for state in states():
        error = asyncpg.PostgresError.new({"C": state})
        kind = postgres.kind_of(error)
        expected = {
            Kind.UNAVAILABLE: RetryableError,
            Kind.NOT_STORABLE: NotStorableError,
            Kind.DEFECT: asyncpg.PostgresError,
        }[kind]
        with pytest.raises(expected):
            await execute(
                lone,
                "INSERT INTO odd (entry) VALUES ('a');"
                f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$",
            )
        raised[kind] += 1
    assert min(raised.values()) > 30
    assert await backend(lone) == connection, "errors of the server leave the connection in order"
    async with lone.read() as reading:
        assert await reading.fetchval("SELECT count(*) FROM odd") == 0


UNSTORABLE: dict[str, tuple[str, Callable[[], object]]] = {
    "a NUL in text": ("INSERT INTO odd (entry) VALUES ($1)", lambda: "a\0b"),
    "a NUL in JSON": ("INSERT INTO odd (entry, body) VALUES ('a', $1)", lambda: {"a": "\0"}),
    "half of a surrogate pair": ("INSERT INTO odd (entry) VALUES ($1)", lambda: "\ud800"),
    "half of a surrogate pair in JSON": (
        "INSERT INTO odd (entry, body) VALUES ('a', $1)",
        lambda: {"a": "\ud800"},
    ),
    "an integer beyond its column": (
        "INSERT INTO odd (entry, small) VALUES ('a', $1)",
        lambda: 2**31,
    ),
    "an integer beyond 64 bits": ("INSERT INTO odd (entry, big) VALUES ('a', $1)", lambda: 2**63),
    "an integer beyond 64 bits in JSON": (
        "INSERT INTO odd (entry, body) VALUES ('a', $1)",
        lambda: {"a": 2**70},
    ),
    "a value of another type": ("INSERT INTO odd (entry, small) VALUES ('a', $1)", lambda: "a"),
    "an index entry that is too large": (
        "INSERT INTO odd (entry) VALUES ($1)",
        lambda: secrets.token_hex(20_000),
    ),
    "JSON that is nested too deeply": (
        "INSERT INTO odd (entry, body) VALUES ('a', $1::text::jsonb)",
        lambda: "[" * 200_000 + "]" * 200_000,
    ),
}


@pytest.mark.parametrize("value", UNSTORABLE)
async def test_a_value_that_cannot_be_stored_is_refused_at_once_and_alone(
    lone: Database, value: str
) -> None:
    await execute(lone, TABLE)
    connection = await backend(lone)
    sql, make = UNSTORABLE[value]
    tries = 0

    async def work(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        await unit.connection.execute(sql, make())

    with pytest.raises(NotStorableError, match="Postgres cannot store") as caught:
        await lone.transact(work)
    assert tries == 1
    assert isinstance(caught.value, RejectedError), "a request with it is answered with 400"
    assert str(caught.value).isprintable()
    assert await backend(lone) == connection
    await execute(lone, "INSERT INTO odd (entry) VALUES ('fine')")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=repr,
)
async def test_a_connection_in_an_uncertain_state_leaves_the_pool(
    lone: Database, error: Exception
) -> None:
    connection = await backend(lone)
    failures = iter([error, error])

    async def work(_: Unit) -> str:
        for failure in failures:
            raise failure
        return "done"

    assert await lone.transact(work) == "done", "it is repeated on another connection"
    assert await backend(lone) != connection
    with pytest.raises(RetryableError):
        async with lone.read():
            raise error


async def test_a_fault_of_a_closed_connection_is_one_however_it_is_spelled(lone: Database) -> None:
    async def work(unit: Unit) -> None:
        unit.connection.terminate()
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")

    with pytest.raises(RetryableError):
        await lone.transact(work)

    async def defective(_: Unit) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await lone.transact(defective)


async def test_a_connection_that_cannot_be_released_does_not_repeat_what_was_committed(
    lone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = lone._pool

    async def release(connection: Any) -> None:
        await pool.release(connection)
        raise asyncpg.InternalClientError("cannot switch to state 12")

    failing = SimpleNamespace(acquire=pool.acquire, release=release)
    monkeypatch.setattr(lone, "_pool", failing)
    calls = 0

    async def work(_: Unit) -> int:
        nonlocal calls
        calls += 1
        return calls

    assert await lone.transact(work) == 1


async def test_publications_that_fail_do_not_fail_what_was_committed(
    clean_schema: str,
) -> None:
    class FailingPublisher:
        async def publish(self, messages: list[OutgoingMessage]) -> list[Any]:
            raise RuntimeError("the transport is closed")

    async with open_database(
        clean_schema, SERVICE, FailingPublisher(), pool_size=1, packages=()
    ) as database:

        async def work(unit: Unit) -> str:
            unit.staged.append(OutgoingMessage(uuid4(), "evt.x", {}, b"{}"))
            return "done"

        assert await database.transact(work) == "done"
        assert (await database.sweep(0)).found == 1, "the sweeper publishes it later"


class Load:
    """Writers that record what was confirmed, and fail with nothing but `RetryableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.confirmed: list[str] = []
        self.refused = 0

    async def write(self) -> None:
        while True:
            identity = str(uuid4())
            try:
                await self._database.transact(lambda unit, i=identity: unit.admit("load", [i]))  # type: ignore[misc]
            except RetryableError:
                self.refused += 1
            else:
                self.confirmed.append(identity)

    async def goes_on(self) -> None:
        """Wait until more is confirmed than at the time of the call."""
        before = len(self.confirmed)
        await until_async(lambda: len(self.confirmed) > before + 20)


def test_the_pool_recovers_from_every_death_of_postgres_under_load(
    servers: Servers, clean_schema: str
) -> None:
    """On the event loop of the services, whose transports fail in other ways."""
    uvloop.run(recover(servers, clean_schema))


async def recover(servers: Servers, dsn: str) -> None:
    async with open_database(dsn, SERVICE, SilentPublisher(), pool_size=4, packages=()) as database:
        load = Load(database)
        async with asyncio.TaskGroup() as group:
            writers = [group.create_task(load.write()) for _ in range(8)]
            for fault in FAULTS:
                await load.goes_on()
                await fault(servers)
                await load.goes_on()
            for writer in writers:
                assert not writer.done()
                writer.cancel()
        async with database.read() as connection:
            rows = await connection.fetch("SELECT message_id FROM inbox WHERE consumer = 'load'")
    assert {row["message_id"] for row in rows} >= set(load.confirmed)


async def backends_of(servers: Servers) -> list[int]:
    connection = await asyncpg.connect(servers.dsn("postgres"))
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE usename = $1", SERVICE
        )
        return [row["pid"] for row in rows]
    finally:
        await connection.close()


async def terminate_backends(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.dsn("postgres"))
    for _ in range(10):
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", SERVICE
        )
        await asyncio.sleep(0.05)
    await connection.close()


async def kill_a_backend(servers: Servers) -> None:
    """Postgres ends all the others and recovers."""
    for _ in range(2):
        with suppress(OSError, asyncpg.PostgresError):
            os.kill(random.choice(await backends_of(servers)), signal.SIGKILL)
        await asyncio.sleep(0.5)


async def stop_backends(servers: Servers) -> None:
    """Longer than the client waits for a connection."""
    pids = await backends_of(servers)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(12)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def kill_the_server(servers: Servers) -> None:
    for _ in range(2):
        servers.kill("postgres")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(servers.start, "postgres")


FAULTS: list[Callable[[Servers], Awaitable[None]]] = [
    terminate_backends,
    kill_a_backend,
    stop_backends,
    kill_the_server,
]

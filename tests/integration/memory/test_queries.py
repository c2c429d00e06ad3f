"""Postgres in memory gives the answers of the real one, for random sequences of named queries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from headrace_runtime.pg.database import _set_codecs
from headrace_runtime.pg.migrate import migrate
from headrace_runtime.pg.queries import load_queries

from tests.integration.memory.calls import AFTER, BEFORE, CALLS, CLOCKS
from tests.simulation.world import PACKAGES
from tests.support.memory import postgres as memory
from tests.support.memory.connection import MemoryPool, MemoryPostgres
from tests.support.memory.wire import Wire
from tests.support.servers import Servers

_SEQUENCES = 30
_LENGTH = 40
_ORDERED = ("unpublished", "queued_runs", "lock_runs")
_TIMES = ("heard_at", "created_at", "updated_at")
_WAIT_SECONDS = 0.2
SCHEMAS = {
    "headrace_runtime.pg": "api",
    "headrace_executor": "executor",
    "headrace_scheduler": "scheduler",
}
Connect = Callable[[], Awaitable[Any]]


def _now() -> datetime:
    return datetime.now(UTC)


def _memory(package: str) -> Connect:
    pool = MemoryPool(MemoryPostgres(PACKAGES, _now, Wire()), SCHEMAS[package])
    return pool.acquire


@asynccontextmanager
async def _real(servers: Servers, package: str) -> AsyncIterator[Connect]:
    """A way to connect to an empty schema."""
    servers.start("postgres")
    schema = SCHEMAS[package]
    async with AsyncExitStack() as stack:

        async def connect() -> Any:
            made = await asyncpg.connect(
                servers.dsn(schema), server_settings={"search_path": schema}
            )
            stack.push_async_callback(made.close)
            await _set_codecs(made)
            return made

        first = await connect()
        rows = await first.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        for row in rows:
            await first.execute(f'DROP TABLE "{row["tablename"]}" CASCADE')
        packages = dict.fromkeys(("headrace_runtime.pg", package))
        await migrate(first, *packages)
        yield connect


async def _answer(connection: Any, package: str, name: str, arguments: Any) -> Any:
    """The rows, without their times, or the number of changed rows."""
    sql = load_queries(package)[name]
    if memory._ANSWERS[package, name].__annotations__["return"] == "int":
        return await connection.execute(sql, *arguments)
    rows = [
        {k: v for k, v in dict(row).items() if k not in _TIMES}
        for row in await connection.fetch(sql, *arguments)
    ]
    return rows if name in _ORDERED else sorted(rows, key=repr)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_query_has_calls(package: str) -> None:
    assert set(CALLS[package]) == set(load_queries(package)) - CLOCKS


@pytest.mark.parametrize("package", PACKAGES)
async def test_random_sequences_have_the_same_answers(servers: Servers, package: str) -> None:
    names = list(CALLS[package])
    before, calls = BEFORE.get(package, ("", []))
    async with _real(servers, package) as connect:
        real = await connect()
        for seed in range(_SEQUENCES):
            chance = random.Random(seed)
            await _empty(real)
            both = (await _memory(package)(), real)
            for arguments in calls:
                for connection in both:
                    await _answer(connection, package, before, arguments)
            done: list[str] = []
            for _ in range(_LENGTH // 4):
                is_rolled_back = chance.random() < 0.2
                group = [
                    (name, CALLS[package][name](chance))
                    for name in chance.choices(names, k=chance.randint(1, 4))
                ]
                found = [await _transact(one, package, group, is_rolled_back) for one in both]
                done += [f"{name}{arguments}" for name, arguments in group]
                assert found[0] == found[1], (seed, done[-8:])
            for name, arguments in AFTER.get(package, []):
                answers = [await _answer(one, package, name, arguments) for one in both]
                assert answers[0] == answers[1], (seed, name)


async def _empty(connection: Any) -> None:
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables "
        "WHERE schemaname = current_schema() AND tablename <> 'migration'"
    )
    names = ", ".join(f'"{row["tablename"]}"' for row in rows)
    await connection.execute(f"TRUNCATE {names} RESTART IDENTITY")


class _RollBack(Exception):
    pass


async def _transact(
    connection: Any, package: str, group: list[tuple[str, Any]], is_rolled_back: bool
) -> list[Any]:
    answers = []
    try:
        async with connection.transaction():
            for name, arguments in group:
                answers.append(await _answer(connection, package, name, arguments))
            if is_rolled_back:
                raise _RollBack
    except _RollBack:
        pass
    return answers


@pytest.fixture(params=["memory", "real"])
async def connect(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[Connect]:
    """Connections to the executor's schema, of both kinds."""
    if request.param == "memory":
        yield _memory("headrace_executor")
    else:
        async with _real(servers, "headrace_executor") as connect:
            yield connect


_KEY = (UUID(int=1), UUID(int=2), 1)
_INSERT = ([_KEY[0]], [_KEY[1]], [_KEY[2]], [{}], "one")


async def _ask(connection: Any, name: str, *arguments: Any) -> Any:
    return await _answer(connection, "headrace_executor", name, arguments)


async def _waits(task: asyncio.Future[Any]) -> bool:
    done, _ = await asyncio.wait({task}, timeout=_WAIT_SECONDS)
    return not done


@pytest.mark.parametrize(("is_committed", "inserted"), [(True, 0), (False, 1)])
async def test_a_second_insertion_waits_for_the_first(
    connect: Connect, is_committed: bool, inserted: int
) -> None:
    first, second = await connect(), await connect()
    transaction = first.transaction()
    await transaction.__aenter__()
    assert len(await _ask(first, "insert_launches", *_INSERT)) == 1
    waiting = asyncio.ensure_future(_ask(second, "insert_launches", *_INSERT))
    assert await _waits(waiting)
    await _end(transaction, is_committed)
    assert len(await waiting) == inserted


async def test_what_is_not_committed_is_not_seen(connect: Connect) -> None:
    first, second = await connect(), await connect()
    async with first.transaction():
        await _ask(first, "insert_launches", *_INSERT)
        assert await _ask(second, "owned", "one") == []
        assert len(await _ask(first, "owned", "one")) == 1
    assert len(await _ask(second, "owned", "one")) == 1


async def test_an_update_that_waited_looks_again(connect: Connect) -> None:
    """The launch has ended meanwhile, so the second end is refused."""
    first, second = await connect(), await connect()
    await _ask(first, "insert_launches", *_INSERT)
    transaction = first.transaction()
    await transaction.__aenter__()
    assert len(await _ask(first, "set_ended", *_KEY, "one", 1, 1, {"by": "first"})) == 1
    waiting = asyncio.ensure_future(_ask(second, "set_ended", *_KEY, "one", 1, 1, {"by": "second"}))
    assert await _waits(waiting)
    await _end(transaction, True)
    assert await waiting == []
    assert await _ask(second, "results", *([one] for one in _KEY)) == [{"result": {"by": "first"}}]


async def test_a_take_over_skips_what_is_locked(connect: Connect) -> None:
    first, second = await connect(), await connect()
    await _ask(first, "insert_launches", *_INSERT)
    await _ask(first, "acquire_lease", "one", timedelta(seconds=-9))
    async with first.transaction():
        await _ask(first, "confirm_owned", *_KEY, "one", 1)
        assert await _ask(second, "take_over", "two", 9) == []
    assert len(await _ask(second, "take_over", "two", 9)) == 1


async def test_one_of_two_that_wait_for_each_other_is_ended(connect: Connect) -> None:
    first, second = await connect(), await connect()
    for owner in ("one", "two"):
        await _ask(first, "acquire_lease", owner, timedelta(hours=1))

    async def lock_both(connection: Any, owners: tuple[str, str], is_locked: asyncio.Event) -> str:
        try:
            async with connection.transaction():
                await _ask(connection, "release_lease", owners[0])
                is_locked.set()
                await asyncio.sleep(_WAIT_SECONDS)
                await _ask(connection, "release_lease", owners[1])
        except asyncpg.DeadlockDetectedError:
            return "ended"
        return "committed"

    ends = await asyncio.gather(
        lock_both(first, ("one", "two"), asyncio.Event()),
        lock_both(second, ("two", "one"), asyncio.Event()),
    )
    assert sorted(ends) == ["committed", "ended"]


async def test_text_that_cannot_be_stored_is_refused(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(asyncpg.DataError):
        await _ask(connection, "insert_ended", *_KEY, True, {"text": "\0"})


async def _end(transaction: Any, is_committed: bool) -> None:
    if is_committed:
        await transaction.__aexit__(None, None, None)
        return
    try:
        await transaction.__aexit__(_RollBack, _RollBack(), None)
    except _RollBack:
        return

"""Units on a real Postgres and bus: state and messages commit together, messages are published
once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from headrace_contracts.messages.events import RunCancelRequested
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.publisher import OutgoingMessage, Published, Publisher
from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Swept, Unit, open_database
from nats.aio.msg import Msg


def event(reason: str = "because") -> RunCancelRequested:
    return RunCancelRequested(run_id=uuid4(), reason=reason)


async def stored(bus: Bus) -> list[Msg]:
    """Every event on the bus."""
    found = await bus.js.pull_subscribe("evt.>", None, stream="EVENTS")
    count = (await bus.js.stream_info("EVENTS")).state.messages
    return list(await found.fetch(count, timeout=60)) if count else []


def acknowledged(published: list[Published]) -> list[UUID]:
    return [one.event_id for one in published]


async def unpublished(database: Database) -> int:
    async with database.read() as connection:
        return int(
            await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        )


class LostPublisher:
    """Publishes nothing, as if the process died between commit and publication."""

    async def publish(self, messages: list[OutgoingMessage]) -> list[Published]:
        return []


async def test_staged_messages_are_published_after_the_commit(database: Database, bus: Bus) -> None:
    news = event()

    async def work(unit: Unit) -> str:
        unit.publish(news)
        assert await stored(bus) == [], "nothing is published before the commit"
        return "done"

    assert await database.transact(work) == "done"
    (message,) = await stored(bus)
    assert message.subject == news.subject
    assert json.loads(message.data)["reason"] == "because"
    await database.mark_published()
    assert await unpublished(database) == 0


async def test_a_failed_unit_leaves_no_message(database: Database, bus: Bus) -> None:
    async def work(unit: Unit) -> None:
        await unit.admit("reader", ["m1"])
        unit.publish(event())
        await unit.flush()
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await database.transact(work)
    assert await stored(bus) == []
    assert await unpublished(database) == 0
    assert await database.transact(lambda unit: unit.admit("reader", ["m1"])) == {"m1"}


async def test_the_sweeper_publishes_what_a_crash_left_and_only_once(
    clean_schema: str, bus: Bus
) -> None:
    publisher = LostPublisher()
    async with open_database(
        clean_schema, "scheduler", publisher, pool_size=2, packages=()
    ) as dying:
        for number in range(3):
            news = event(str(number))

            async def work(unit: Unit, news: RunCancelRequested = news) -> None:
                unit.publish(news)

            await dying.transact(work)
    publisher = Publisher(bus, None)
    async with open_database(
        clean_schema, "scheduler", publisher, pool_size=2, packages=()
    ) as healed:
        assert (await healed.sweep(60)).found == 0, "recent messages may still be in flight"
        assert await healed.sweep(0) == Swept(3, 3)
        assert await healed.sweep(0) == Swept(3, 3), "not marked yet, so found again"
        await healed.mark_published()
        assert (await healed.sweep(0)).found == 0
    reasons = [json.loads(message.data)["reason"] for message in await stored(bus)]
    assert reasons == ["0", "1", "2"], "in order, and repetitions are dropped by id"


async def test_the_inbox_admits_a_message_once_for_each_consumer(database: Database) -> None:
    async def admit(consumer: str, *ids: str) -> set[str]:
        return await database.transact(lambda unit: unit.admit(consumer, ids))

    assert await admit("one", "a", "b") == {"a", "b"}
    assert await admit("one", "b", "c") == {"c"}
    assert await admit("other", "a") == {"a"}
    assert await admit("one", "d", "d") == {"d"}


async def test_two_readers_of_one_message_admit_it_once(database: Database) -> None:
    async def admit() -> set[str]:
        return await database.transact(lambda unit: unit.admit("one", ["same"]))

    admitted = await asyncio.gather(*(admit() for _ in range(4)))
    assert sorted(map(len, admitted)) == [0, 0, 0, 1]


async def test_a_derived_id_is_staged_once(database: Database, bus: Bus) -> None:
    identity = uuid4()
    for reason in ("first", "second"):

        async def work(unit: Unit, reason: str = reason) -> None:
            unit.publish(event(reason), identity)

        await database.transact(work)
    (message,) = await stored(bus)
    assert json.loads(message.data)["reason"] == "first"


async def test_a_body_too_large_for_a_message_is_left_in_the_object_store(
    bus: Bus, objects: ObjectStore
) -> None:
    body = json.dumps({"reason": "x" * 250_000}).encode()
    message = OutgoingMessage(uuid4(), "evt.run.p00.x.cancel_requested", {"ce-id": "1"}, body)
    assert acknowledged(await Publisher(bus, objects).publish([message])) == [message.event_id]
    (found,) = await stored(bus)
    assert found.data == b""
    assert found.headers is not None
    key = objects.key(found.headers["ce-dataref"])
    assert key is not None
    assert await objects.get(key) == body


async def test_without_an_object_store_a_large_body_waits(bus: Bus) -> None:
    large = OutgoingMessage(uuid4(), "evt.run.p00.x.cancel_requested", {}, b"x" * 250_000)
    small = OutgoingMessage(uuid4(), "evt.run.p00.x.cancel_requested", {}, b"{}")
    assert acknowledged(await Publisher(bus, None).publish([large, small])) == [small.event_id]


async def test_a_silent_server_leaves_the_messages_to_the_sweeper(
    clean_schema: str, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        raise TimeoutError

    publisher = Publisher(bus, None)
    async with open_database(
        clean_schema, "scheduler", publisher, pool_size=2, packages=()
    ) as database:

        async def work(unit: Unit) -> None:
            unit.publish(event())

        with monkeypatch.context() as patched:
            patched.setattr(bus.js, "publish", silent)
            await database.transact(work)
        await database.mark_published()
        assert await unpublished(database) == 1
        assert (await database.sweep(0)).published == 1
    assert len(await stored(bus)) == 1


async def test_a_query_that_the_server_cancels_is_a_retryable_error(database: Database) -> None:
    async def slow_query() -> None:
        async with database.read() as connection, connection.transaction():
            await connection.execute("SET LOCAL statement_timeout = '20ms'")
            await connection.execute("SELECT pg_sleep(5)")

    with pytest.raises(RetryableError, match="timeout"):
        await slow_query()


class FrozenPublisher:
    """A bus that does not respond."""

    def __init__(self) -> None:
        self.is_asked = False

    async def publish(self, messages: list[OutgoingMessage]) -> list[UUID]:
        self.is_asked = True
        await asyncio.Event().wait()
        return []


async def test_a_committed_unit_does_not_wait_for_a_frozen_bus(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = FrozenPublisher()
    monkeypatch.setattr(database, "_publisher", frozen)

    async def work(unit: Unit) -> str:
        unit.publish(event())
        return "done"

    assert await asyncio.wait_for(database.transact(work), 60) == "done"
    assert frozen.is_asked
    assert await unpublished(database) == 1
    database.stop_publishing()

"""JetStream in memory does for the real client code what the real server does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import nats.js.errors
import pytest
from headrace_contracts.messages.subjects import DEAD_LETTERS, EVENTS, STREAMS, Subscription
from headrace_runtime.bus import connection
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer
from headrace_runtime.bus.provision import keep_until_acknowledged, provision_streams
from headrace_runtime.bus.publisher import OutgoingMessage, Publisher
from headrace_runtime.bus.pull import PullQueue
from headrace_runtime.errors import PoisonError, RetryableError
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import TypeAdapter

from tests.support.memory.client import MemoryClient, MemoryNats
from tests.support.memory.wire import Wire
from tests.support.servers import Servers

_ACK_WAIT_SECONDS = 1.0
_HANG_SECONDS = 60.0
Connect = Callable[[], Awaitable[Bus]]


@pytest.fixture(params=["memory", "real"])
async def connect(
    request: pytest.FixtureRequest, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    """Connections to an empty bus of either kind."""
    made: list[Bus] = []
    url = "nats://memory"
    if request.param == "memory":
        server = MemoryNats(time.monotonic, lambda: datetime.now(UTC), Wire())
        monkeypatch.setattr(connection, "Client", lambda: MemoryClient(server))
    else:
        servers.start("nats")
        url = servers.nats_url("operator")

    async def connect() -> Bus:
        bus = Bus("operator", lambda _: None)
        await bus.connect(url)
        made.append(bus)
        return bus

    bus = await connect()
    for name in (EVENTS, DEAD_LETTERS):
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await bus.js.delete_stream(name)
    await provision_streams(bus.js)
    yield connect
    for one in made:
        await one.close()


@asynccontextmanager
async def _reading(
    bus: Bus, *filters: str, durable: str = "reader", most: int = 100
) -> AsyncIterator[PullQueue]:
    """A queue on a durable consumer with a short acknowledgement wait."""
    await bus.js.add_consumer(
        EVENTS,
        ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_SECONDS,
            max_ack_pending=most,
            max_deliver=-1,
            filter_subject=filters[0] if len(filters) == 1 else None,
            filter_subjects=list(filters) if len(filters) > 1 else None,
        ),
    )
    async with PullQueue(bus, Subscription(EVENTS, durable, filters)) as queue:
        yield queue


async def _take(queue: PullQueue, count: int) -> list[Msg]:
    """Exactly this many messages, without progress reports on them."""
    found: list[Msg] = []
    async with asyncio.timeout(_HANG_SECONDS):
        while len(found) < count:
            batch = await queue.next_batch()
            for message in batch:
                queue.release(message)
            found += batch
    assert len(found) == count
    return found


async def _publish(bus: Bus, *bodies: str, subject: str = "evt.a") -> None:
    for body in bodies:
        await bus.js.publish(subject, body.encode(), headers={"Nats-Msg-Id": str(uuid4())})


async def _pending(bus: Bus, durable: str = "reader") -> tuple[int, int]:
    info = await bus.js.consumer_info(EVENTS, durable)
    return info.num_ack_pending or 0, info.num_pending or 0


async def _settled(bus: Bus, expected: tuple[int, int]) -> None:
    async with asyncio.timeout(_HANG_SECONDS):
        while await _pending(bus) != expected:  # noqa: ASYNC110 - an acknowledgement is on its way
            await asyncio.sleep(0.02)


async def test_a_message_id_counts_once(connect: Connect) -> None:
    bus = await connect()
    first = await bus.js.publish("evt.a", b"1", headers={"Nats-Msg-Id": "same"})
    second = await bus.js.publish("evt.a", b"2", headers={"Nats-Msg-Id": "same"})
    assert (first.duplicate, second.duplicate) == (None, True)
    assert first.seq == second.seq
    async with _reading(bus, "evt.>") as queue:
        assert [one.data for one in await _take(queue, 1)] == [b"1"]
    assert (await bus.js.stream_info(EVENTS)).state.messages == 1


async def test_messages_come_in_order_until_they_are_acknowledged(connect: Connect) -> None:
    bus = await connect()
    await _publish(bus, "1", "2", "3")
    async with _reading(bus, "evt.>") as queue:
        found = await _take(queue, 3)
        assert [one.data for one in found] == [b"1", b"2", b"3"]
        assert await _pending(bus) == (3, 0)
        await found[1].ack()
        await _settled(bus, (2, 0))
        again = await _take(queue, 2)
        assert sorted(one.data for one in again) == [b"1", b"3"]
        assert {one.metadata.num_delivered for one in again} == {2}
        for one in again:
            await one.ack()
        await _settled(bus, (0, 0))


async def test_a_late_acknowledgement_of_an_earlier_delivery_counts(connect: Connect) -> None:
    bus = await connect()
    await _publish(bus, "1")
    async with _reading(bus, "evt.>") as queue:
        (first,) = await _take(queue, 1)
        await _take(queue, 1)
        await first.ack()
        await _settled(bus, (0, 0))


async def test_a_negative_acknowledgement_repeats_after_its_delay(connect: Connect) -> None:
    bus = await connect()
    await _publish(bus, "1")
    async with _reading(bus, "evt.>") as queue:
        (first,) = await _take(queue, 1)
        began = time.monotonic()
        await first.nak(delay=0.4)
        (second,) = await _take(queue, 1)
        assert time.monotonic() - began > 0.35
        assert second.metadata.num_delivered == 2
        assert second.metadata.sequence.stream == first.metadata.sequence.stream
        await second.term()
        await _settled(bus, (0, 0))


async def test_progress_keeps_a_message(connect: Connect) -> None:
    bus = await connect()
    await _publish(bus, "1")
    async with _reading(bus, "evt.>") as queue:
        (first,) = await _take(queue, 1)
        for _ in range(6):
            await asyncio.sleep(_ACK_WAIT_SECONDS / 3)
            await first.in_progress()
        await first.ack()
        await _settled(bus, (0, 0))
        await _publish(bus, "2")
        assert [one.data for one in await _take(queue, 1)] == [b"2"]


async def test_two_readers_share_the_messages(connect: Connect) -> None:
    one, other = await connect(), await connect()
    bodies = [str(number) for number in range(40)]
    async with _reading(one, "evt.>") as first, _reading(other, "evt.>") as second:
        found: list[bytes] = []

        async def read(queue: PullQueue) -> None:
            while len(found) < len(bodies):
                for message in await queue.next_batch():
                    queue.release(message)
                    found.append(message.data)
                    await message.ack()

        readers = [asyncio.ensure_future(read(queue)) for queue in (first, second)]
        await _publish(one, *bodies)
        async with asyncio.timeout(_HANG_SECONDS):
            await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        for reader in readers:
            reader.cancel()
    assert sorted(found) == sorted(body.encode() for body in bodies)


async def test_filters_choose_the_subjects(connect: Connect) -> None:
    bus = await connect()
    for subject in ("evt.a.x", "evt.b.x.y", "evt.b.y", "evt.c"):
        await _publish(bus, subject, subject=subject)
    async with _reading(bus, "evt.*.x", "evt.b.>") as queue:
        found = [one.data.decode() for one in await _take(queue, 3)]
    assert found == ["evt.a.x", "evt.b.x.y", "evt.b.y"]


async def test_no_more_than_allowed_are_under_way(connect: Connect) -> None:
    bus = await connect()
    await _publish(bus, "1", "2", "3")
    async with _reading(bus, "evt.>", most=2) as queue:
        first = await _take(queue, 2)
        assert await _pending(bus) == (2, 1)
        await first[0].ack()
        assert [one.data for one in await _take(queue, 1)] == [b"3"]


async def test_a_stream_of_interest_keeps_what_is_not_acknowledged(connect: Connect) -> None:
    bus = await connect()
    async with _reading(bus, "evt.>") as queue:
        stream = next(one for one in STREAMS if one.name == EVENTS)
        await keep_until_acknowledged(bus.js, stream)
        await _publish(bus, "1", "2")
        first, second = await _take(queue, 2)
        await second.ack()
        await _settled(bus, (1, 0))
        info = await bus.js.stream_info(EVENTS)
        assert (info.state.messages, info.state.last_seq) == (1, 2)
        assert (await bus.js.consumer_info(EVENTS, "reader")).ack_floor.stream_seq == 0
        await first.ack()
        await _settled(bus, (0, 0))
        assert (await bus.js.stream_info(EVENTS)).state.messages == 0
        await _publish(bus, "3")
        assert [one.data for one in await _take(queue, 1)] == [b"3"]


async def test_a_reader_survives_the_loss_of_the_stream(connect: Connect) -> None:
    bus = await connect()
    async with _reading(bus, "evt.>") as queue:
        reading = asyncio.ensure_future(_take(queue, 1))
        await asyncio.sleep(0.1)
        await bus.js.delete_stream(EVENTS)
        async with asyncio.timeout(_HANG_SECONDS):
            while not await _published(bus):  # noqa: ASYNC110 - the reader provisions it again
                await asyncio.sleep(0.1)
        assert [one.data for one in await reading] == [b"after"]


async def _published(bus: Bus) -> bool:
    message = OutgoingMessage(uuid4(), "evt.a", {"Nats-Msg-Id": "after"}, b"after")
    return bool(await Publisher(bus, None).publish([message]))


async def test_a_consumer_handles_repeats_and_sets_aside(connect: Connect) -> None:
    bus = await connect()
    handled: list[int] = []
    failures = {1: RetryableError("away"), 2: PoisonError("bad")}

    async def handle(batch: list[Any]) -> None:
        for one in batch:
            error = failures.pop(one.message, None)
            if error is not None:
                raise error
            handled.append(one.message)

    consumer: Consumer[int] = Consumer(
        bus,
        None,
        Subscription(EVENTS, "consumer", ("evt.>",)),
        TypeAdapter(int),
        handle,
        service="operator",
    )
    running = asyncio.ensure_future(consumer.run())
    for body in ("1", "2", "3", "no number"):
        await _publish(bus, body)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(_HANG_SECONDS):
        while await _pending(bus, "consumer") != (0, 0) or len(handled) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    running.cancel()
    assert sorted(handled) == [1, 3]
    assert (await bus.js.stream_info(DEAD_LETTERS)).state.messages == 2

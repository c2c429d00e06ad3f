"""The consumer on a real bus: handling, dead letters, redelivery and reconnection."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from headrace_contracts.messages.events import EVENT, Event, RunCancelRequested
from headrace_contracts.messages.subjects import DEAD_LETTERS, EVENTS, Subscription, dead_letter
from headrace_runtime.bus import consumer as consumer_module
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer, Received
from headrace_runtime.bus.provision import ACK_WAIT_SECONDS, provision_consumer
from headrace_runtime.bus.pull import PullQueue
from headrace_runtime.errors import PoisonError, RetryableError

from tests.support.waiting import HANG_SECONDS

SUBSCRIPTION = Subscription(EVENTS, "test-events", ("evt.>",))
Handle = Callable[[list[Received[Event]]], Awaitable[None]]


def event(reason: str = "because") -> RunCancelRequested:
    return RunCancelRequested(run_id=uuid4(), reason=reason)


async def send(bus: Bus, *messages: Event | bytes) -> None:
    for message in messages:
        body = message if isinstance(message, bytes) else message.to_json()
        subject = (
            "evt.run.p00.x.cancel_requested" if isinstance(message, bytes) else message.subject
        )
        await bus.js.publish(subject, body, headers={"ce-id": str(uuid4())})


@asynccontextmanager
async def consuming(bus: Bus, handle: Handle, **options: Any) -> AsyncIterator[None]:
    consumer = Consumer(bus, None, SUBSCRIPTION, EVENT, handle, service="test", **options)
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def drained(bus: Bus) -> None:
    """Wait until nothing is pending and everything is acknowledged."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            for info in await bus.js.consumers_info(EVENTS):
                if not (info.num_pending or info.num_ack_pending) and info.delivered:
                    return
            await asyncio.sleep(0.01)


async def dead_letters(bus: Bus, count: int) -> list[Any]:
    found = await bus.js.pull_subscribe(dead_letter("test"), "test-dlq")
    return list(await found.fetch(count, timeout=HANG_SECONDS))


class RecordingHandler:
    """Records what it handles; `fault` may raise for a batch."""

    def __init__(self, fault: Callable[[list[str]], None] = lambda _: None) -> None:
        self.handled: list[str] = []
        self.batches: list[int] = []
        self.handled_more = asyncio.Event()
        self._fault = fault

    async def __call__(self, batch: list[Received[Event]]) -> None:
        self.batches.append(len(batch))
        reasons = [getattr(received.message, "reason", "") for received in batch]
        self._fault(reasons)
        self.handled += reasons
        self.handled_more.set()


async def test_an_unreadable_message_becomes_a_dead_letter_and_blocks_nothing(bus: Bus) -> None:
    refused: list[str] = []

    async def on_unreadable(_: Any, reason: str) -> None:
        refused.append(reason)

    handler = RecordingHandler()
    await send(
        bus, event("first"), b"not json", b'{"type": "run.cancel_requested", "v": 1}', event("last")
    )
    async with consuming(bus, handler, on_unreadable=on_unreadable):
        await drained(bus)
    assert handler.handled == ["first", "last"]
    letters = await dead_letters(bus, 2)
    assert letters[0].data == b"not json"
    assert "JSON" in letters[0].headers["headrace-reason"]
    assert "run_id" in letters[1].headers["headrace-reason"]
    assert letters[0].headers["headrace-subject"] == "evt.run.p00.x.cancel_requested"
    assert [" ".join(reason.split()) for reason in refused] == [
        letter.headers["headrace-reason"] for letter in letters
    ]


async def test_a_type_from_a_newer_publisher_is_ignored(bus: Bus) -> None:
    handler = RecordingHandler()
    await send(bus, json.dumps({"type": "run.teleported", "v": 1}).encode(), event("known"))
    async with consuming(bus, handler):
        await drained(bus)
    assert handler.handled == ["known"]
    assert (await bus.js.stream_info(DEAD_LETTERS)).state.messages == 0


async def test_poison_becomes_a_dead_letter_at_once_and_the_others_are_handled(bus: Bus) -> None:
    def fault(reasons: list[str]) -> None:
        if "poison" in reasons:
            raise PoisonError("never")

    handler = RecordingHandler(fault)
    await send(bus, event("a"), event("poison"), event("b"))
    async with consuming(bus, handler):
        await drained(bus)
    assert sorted(handler.handled) == ["a", "b"]
    (letter,) = await dead_letters(bus, 1)
    assert letter.headers["headrace-reason"] == "PoisonError: never"


async def test_a_message_that_keeps_failing_becomes_a_dead_letter(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_MAX_FAILED_DELIVERIES", 3)
    tried: list[str] = []

    def fault(reasons: list[str]) -> None:
        if "bug" in reasons:
            tried.extend(reasons)
            raise ValueError("a bug")

    handler = RecordingHandler(fault)
    await send(bus, event("bug"))
    async with consuming(bus, handler):
        await drained(bus)
    assert tried == ["bug"] * 3
    (letter,) = await dead_letters(bus, 1)
    assert letter.headers["headrace-reason"] == "ValueError: a bug"


async def test_an_unavailable_dependency_only_postpones(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_MAX_FAILED_DELIVERIES", 1)
    failures = iter([True, True, False])

    def fault(_: list[str]) -> None:
        if next(failures):
            raise RetryableError("unavailable")

    handler = RecordingHandler(fault)
    await send(bus, event("patient"))
    async with consuming(bus, handler):
        await drained(bus)
    assert handler.handled == ["patient"], "never a dead letter, however often"


async def test_a_batch_lingers_for_more_messages(bus: Bus) -> None:
    handler = RecordingHandler()
    async with consuming(bus, handler, linger_seconds=1):
        for number in range(5):
            await send(bus, event(str(number)))
        await drained(bus)
    assert handler.handled == ["0", "1", "2", "3", "4"]
    assert len(handler.batches) < 5


async def test_an_urgent_message_ends_the_linger(bus: Bus) -> None:
    handler = RecordingHandler()
    options = {"linger_seconds": 10 * HANG_SECONDS, "urgent": "evt.run."}
    async with consuming(bus, handler, **options), asyncio.timeout(HANG_SECONDS):
        await send(bus, event("urgent"))
        await handler.handled_more.wait()
    assert handler.handled == ["urgent"]


async def test_consumption_continues_after_the_bus_was_killed(bus: Bus, servers: Any) -> None:
    handler = RecordingHandler()
    await send(bus, event("before"))
    async with consuming(bus, handler):
        await drained(bus)
        back = asyncio.Event()
        bus.when_reconnected(back.set)
        servers.kill("nats")
        servers.start("nats")
        async with asyncio.timeout(HANG_SECONDS):
            await back.wait()
            handler.handled_more.clear()
            await send(bus, event("after"))
            await handler.handled_more.wait()
    assert handler.handled == ["before", "after"]


async def test_a_slow_reader_keeps_its_message_and_a_dead_one_does_not(bus: Bus) -> None:
    """Two readers share a durable consumer, as replicas do, or a service and its successor."""
    await provision_consumer(bus.js, SUBSCRIPTION)
    acks = f"$JS.ACK.{SUBSCRIPTION.stream}.{SUBSCRIPTION.durable}.>"
    reports = await bus.client.subscribe(acks)
    async with AsyncExitStack() as first_reader, PullQueue(bus, SUBSCRIPTION) as second:
        first = await first_reader.enter_async_context(PullQueue(bus, SUBSCRIPTION))
        await send(bus, event("held"))
        (message,) = await first.next_batch()
        taking = asyncio.create_task(second.next_batch())
        times = [time.monotonic()]
        for _ in range(3):
            report = await reports.next_msg(HANG_SECONDS)
            assert report.data == b"+WPI", "the reader reports that its message is in progress"
            times.append(time.monotonic())
        assert times[-1] - times[0] > ACK_WAIT_SECONDS
        # a busy machine may send a report too late; the message is then delivered to the second
        in_time = all(later - earlier < ACK_WAIT_SECONDS for earlier, later in pairwise(times))
        assert not (in_time and taking.done()), "its reader reports progress"
        await first_reader.aclose()  # it ends without an acknowledgement
        async with asyncio.timeout(HANG_SECONDS):
            (redelivered,) = await taking
    assert redelivered.data == message.data

"""Redelivery: its delay, and errors that must not end the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import nats.errors
import pytest
from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import RECORDER_EVENTS
from headrace_runtime.bus.consumer import Consumer, Failures, Received
from headrace_runtime.errors import (
    NotStorableError,
    PoisonError,
    RetryableError,
    TooEarlyError,
)
from headrace_runtime.objects import ObjectMissingError


class Delivery:
    """A message as the bus delivers it for the nth time."""

    subject = "evt.run.p00.x.cancel_requested"
    headers: ClassVar[dict[str, str]] = {"ce-id": "1"}
    data: bytes = (
        b'{"type": "run.cancel_requested", "v": 1,'
        b' "run_id": "0190a0a0-0000-7000-8000-000000000001", "reason": "r"}'
    )

    def __init__(self, number: int) -> None:
        sequence = SimpleNamespace(stream=7, consumer=number)
        self.metadata = SimpleNamespace(
            stream="EVENTS",
            sequence=sequence,
            num_delivered=number,
            timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.delays: list[float] = []
        self.acknowledged = False

        self.ended = False

    async def term(self) -> None:
        self.ended = True

    async def nak(self, delay: float) -> None:
        self.delays.append(delay)

    async def ack(self) -> None:
        self.acknowledged = True


def consumer_of(
    handle: Callable[[list[Received[Any]]], Awaitable[None]],
    bus: FakeBus | None = None,
    objects: FakeObjects | None = None,
    **options: Any,
) -> Consumer[Any]:
    return Consumer(
        bus or FakeBus(),  # type: ignore[arg-type]
        objects,  # type: ignore[arg-type]
        RECORDER_EVENTS,
        EVENT,
        handle,
        service="test",
        **options,
    )


def raising(*errors: Exception | None) -> Callable[[list[Received[Any]]], Awaitable[None]]:
    """A handler that raises each of these errors in turn; None means success."""
    remaining = iter(errors)

    async def handle(_: list[Received[Any]]) -> None:
        error = next(remaining)
        if error is not None:
            raise error

    return handle


UNAVAILABLE = RetryableError("Postgres is unavailable")
EARLY = TooEarlyError("not known yet")
BUG = ValueError("a bug")


async def delay_of(error: Exception, number: int) -> float:
    delivery = Delivery(number)
    await consumer_of(raising(error)).process([delivery])  # type: ignore[list-item]
    assert not delivery.acknowledged
    (delay,) = delivery.delays
    return delay


@pytest.mark.parametrize(
    ("error", "number", "longest"),
    [
        (BUG, 1, 0.2),
        (BUG, 2, 0.4),
        (BUG, 5, 3.2),
        (BUG, 9, 30.0),
        (EARLY, 1000, 30.0),
        (UNAVAILABLE, 1, 0.2),
        (UNAVAILABLE, 5, 3.2),
        (UNAVAILABLE, 9, 5.0),
    ],
    ids=repr,
)
async def test_the_delay_doubles_up_to_a_limit(
    error: Exception, number: int, longest: float
) -> None:
    assert longest / 2 <= await delay_of(error, number) <= longest


async def deliver(consumer: Consumer[Any], first: int, last: int) -> list[Delivery]:
    """Deliver one message several times, until its deliveries end."""
    deliveries: list[Delivery] = []
    for number in range(first, last + 1):
        deliveries.append(Delivery(number))
        await consumer.process([deliveries[-1]])  # type: ignore[list-item]
        if deliveries[-1].ended or deliveries[-1].acknowledged:
            break
    return deliveries


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (BUG, 8),
        (EARLY, 24),
        (PoisonError("never"), 1),
        (NotStorableError.of("Postgres", "a NUL"), 1),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_a_message_that_fails_becomes_a_dead_letter_after_a_number_of_failures(
    error: Exception, limit: int
) -> None:
    bus = FakeBus()
    deliveries = await deliver(consumer_of(raising(*[error] * 30), bus), 1, 30)
    assert (len(deliveries), deliveries[-1].ended) == (limit, True)
    assert str(error) in bus.published[0]["headrace-reason"]


async def test_an_unavailable_store_never_makes_a_dead_letter() -> None:
    bus = FakeBus()
    deliveries = await deliver(consumer_of(raising(*[UNAVAILABLE] * 300), bus), 1, 300)
    assert (len(deliveries), bus.published) == (300, [])


@pytest.mark.parametrize("error", [BUG, EARLY], ids=repr)
async def test_deliveries_to_an_unavailable_store_do_not_count_as_failures(
    error: Exception,
) -> None:
    bus = FakeBus()
    outcomes = [*[UNAVAILABLE] * 100, error, UNAVAILABLE, error, None]
    deliveries = await deliver(consumer_of(raising(*outcomes), bus), 1, 104)
    assert deliveries[-1].acknowledged, "it failed twice, not 104 times"
    assert bus.published == []


async def test_failures_are_counted_for_each_message_and_forgotten_when_it_ends() -> None:
    failures = Failures()
    assert [failures.count("a"), failures.count("b"), failures.count("a")] == [1, 1, 2]
    failures.forget("a")
    assert [failures.count("a"), failures.count("b")] == [1, 2]
    for number in range(20_000):
        failures.count(str(number))
    assert failures.count("b") == 1, "memory is bounded"


async def test_an_answer_that_cannot_be_given_does_not_keep_a_message_out_of_the_dead_letters() -> (
    None
):
    async def answer(_: Any, __: str) -> None:
        raise NotStorableError.of("Postgres", "a NUL")

    bus, delivery = FakeBus(), Delivery(1)
    delivery.data = b"not json"
    consumer = consumer_of(raising(), bus, on_unreadable=answer)
    await consumer.process([delivery])  # type: ignore[list-item]
    assert delivery.ended
    assert len(bus.published) == 1


async def test_an_answer_waits_while_a_store_is_unavailable() -> None:
    async def answer(_: Any, __: str) -> None:
        raise UNAVAILABLE

    bus, delivery = FakeBus(), Delivery(1)
    delivery.data = b"not json"
    consumer = consumer_of(raising(), bus, on_unreadable=answer)
    await consumer.process([delivery])  # type: ignore[list-item]
    assert not delivery.ended
    assert len(delivery.delays) == 1


class LargeDelivery(Delivery):
    """A message whose body is in the object store."""

    headers: ClassVar[dict[str, str]] = {
        "ce-id": "1",
        "ce-dataref": "s3://headrace/specs/a.json",
    }
    data = b""


class FakeObjects:
    """An object store with one large object, or one that rejects every request."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    def key(self, uri: str) -> str:
        return uri.removeprefix("s3://headrace/")

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        if self._fault is not None:
            raise self._fault
        return b" " * (end - start)


class FakeBus:
    """A bus that records what is published."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.js = self
        self.published: list[dict[str, str]] = []
        self._fault = fault

    async def publish(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        if self._fault is not None:
            raise self._fault
        self.published.append(headers)


async def body_read_from(objects: FakeObjects, bus: FakeBus, number: int) -> list[LargeDelivery]:
    consumer, deliveries = consumer_of(raising(), bus, objects), []
    for one in range(1, number + 1):
        deliveries.append(LargeDelivery(one))
        await consumer.process([deliveries[-1]])  # type: ignore[list-item]
    return deliveries


@pytest.mark.parametrize(
    ("error", "deliveries", "ended"),
    [
        (ValueError("a bug"), 7, False),
        (ValueError("a bug"), 8, True),
        (NotStorableError.of("the object store", "KeyTooLongError"), 1, True),
        (ObjectMissingError("specs/a.json"), 1, True),
        (UNAVAILABLE, 100, False),
    ],
    ids=repr,
)
async def test_a_body_that_cannot_be_read(error: Exception, deliveries: int, ended: bool) -> None:
    bus = FakeBus()
    last = (await body_read_from(FakeObjects(error), bus, deliveries))[-1]
    assert (last.ended, len(bus.published), len(last.delays)) == (ended, ended, not ended)


async def test_a_body_of_unlimited_size_is_not_read() -> None:
    bus = FakeBus()
    (delivery,) = await body_read_from(FakeObjects(), bus, 1)
    assert delivery.ended
    assert "larger than 64 MiB" in bus.published[0]["headrace-reason"]


@pytest.mark.parametrize(
    "fault",
    [ValueError("unexpected"), nats.errors.TimeoutError(), ConnectionResetError()],
    ids=repr,
)
async def test_a_dead_letter_that_cannot_be_published_is_published_later(fault: Exception) -> None:
    objects = FakeObjects(PoisonError("never"))
    (delivery,) = await body_read_from(objects, FakeBus(fault), 1)
    assert not delivery.ended
    assert len(delivery.delays) == 1

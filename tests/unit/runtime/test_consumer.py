"""Redelivery: its delay, and errors that must not end the service."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import RECORDER_EVENTS
from headrace_runtime.bus.consumer import Consumer, Received
from headrace_runtime.errors import RetryableError


class Delivery:
    """A message as the bus delivers it for the nth time."""

    subject = "evt.run.p00.x.cancel_requested"
    headers: ClassVar[dict[str, str]] = {"ce-id": "1"}
    data = (
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


async def unavailable(_: list[Received[Any]]) -> None:
    raise RetryableError("unavailable")


async def delay_of(number: int) -> float:
    delivery = Delivery(number)
    consumer = Consumer(Any, None, RECORDER_EVENTS, EVENT, unavailable, service="test")  # type: ignore[arg-type]
    await consumer.process([delivery])  # type: ignore[list-item]
    assert not delivery.acknowledged
    (delay,) = delivery.delays
    return delay


@pytest.mark.parametrize(
    ("number", "longest"), [(1, 0.2), (2, 0.4), (5, 3.2), (9, 30.0), (1000, 30.0)]
)
async def test_the_delay_doubles_up_to_30_seconds(number: int, longest: float) -> None:
    assert longest / 2 <= await delay_of(number) <= longest


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


def consumer_of(bus: FakeBus, objects: FakeObjects) -> Consumer[Any]:
    return Consumer(bus, objects, RECORDER_EVENTS, EVENT, unavailable, service="test")  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "ended"), [(1, False), (8, True)])
async def test_a_body_that_the_object_store_rejects_is_tried_a_limited_number_of_times(
    number: int, ended: bool
) -> None:
    bus, delivery = FakeBus(), LargeDelivery(number)
    consumer = consumer_of(bus, FakeObjects(ValueError("KeyTooLongError")))
    await consumer.process([delivery])  # type: ignore[list-item]
    assert (delivery.ended, len(bus.published), len(delivery.delays)) == (ended, ended, not ended)


async def test_a_body_of_unlimited_size_is_not_read() -> None:
    bus, delivery = FakeBus(), LargeDelivery(1)
    await consumer_of(bus, FakeObjects()).process([delivery])  # type: ignore[list-item]
    assert delivery.ended
    assert "larger than 64 MiB" in bus.published[0]["headrace-reason"]


async def test_a_dead_letter_that_cannot_be_published_does_not_end_the_service() -> None:
    bus, delivery = FakeBus(ValueError("unexpected")), LargeDelivery(8)
    await consumer_of(bus, FakeObjects()).process([delivery])  # type: ignore[list-item]
    assert not delivery.ended
    assert len(delivery.delays) == 1

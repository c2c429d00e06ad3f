"""The delay after which the consumer has a message redelivered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import RECORDER_EVENTS
from headrace_runtime.bus.consumer import Consumer, Received
from headrace_runtime.errors import RetryableError


class Delivery:
    """A message as the bus delivers it for the nth time."""

    subject = "evt.run.p00.x.cancel_requested"
    headers = {"ce-id": "1"}
    data = (
        b'{"type": "run.cancel_requested", "v": 1,'
        b' "run_id": "0190a0a0-0000-7000-8000-000000000001", "reason": "r"}'
    )

    def __init__(self, number: int) -> None:
        sequence = SimpleNamespace(stream=7, consumer=number)
        self.metadata = SimpleNamespace(stream="EVENTS", sequence=sequence, num_delivered=number)
        self.delays: list[float] = []
        self.acknowledged = False

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

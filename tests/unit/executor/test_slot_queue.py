"""The order in which launches get a slot."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from headrace_executor.slot_queue import SlotQueue
from headrace_executor.store import Launch

from tests.support.launches import launch_command


def launch(
    number: int,
    *,
    priority: int = 0,
    state: Literal["WAITING", "RUNNING"] = "WAITING",
    canceled: bool = False,
) -> Launch:
    command = launch_command(task_id=UUID(int=number), priority=priority)
    return Launch(command, state=state, cancel_requested=canceled)


def order(queue: SlotQueue) -> list[int]:
    taken = []
    while (found := queue.peek()) is not None:
        assert queue.take() is found
        taken.append(found.command.task_id.int)
    return taken


def slotless(queue: SlotQueue) -> list[int]:
    taken = []
    while (found := queue.take_slotless()) is not None:
        taken.append(found.command.task_id.int)
    return taken


def test_the_higher_priority_goes_first_then_the_earlier_arrival() -> None:
    queue = SlotQueue()
    for number, priority in enumerate([0, -5, 7, 0, 7]):
        queue.add(launch(number, priority=priority))
    assert order(queue) == [2, 4, 0, 3, 1]


def test_what_runs_already_needs_no_slot() -> None:
    queue = SlotQueue()
    queue.add(launch(1, priority=1000))
    queue.add(launch(2, state="RUNNING", priority=-1000, canceled=True))
    queue.add(launch(3, state="RUNNING"))
    assert slotless(queue) == [2, 3]
    assert order(queue) == [1]


def test_what_is_canceled_needs_no_slot() -> None:
    queue = SlotQueue()
    for number in range(4):
        queue.add(launch(number, canceled=number == 3))
    queue.cancel(launch(1).identity)
    queue.cancel(launch(1).identity)
    queue.cancel(launch(99).identity)
    assert slotless(queue) == [3, 1]
    assert order(queue) == [0, 2]


def test_what_is_discarded_is_not_taken() -> None:
    queue = SlotQueue()
    for number in range(3):
        queue.add(launch(number, state="RUNNING" if number == 2 else "WAITING"))
    assert queue.discard(launch(0).identity)
    assert queue.discard(launch(2).identity)
    assert not queue.discard(launch(0).identity)
    assert slotless(queue) == []
    assert order(queue) == [1]

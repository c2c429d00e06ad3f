"""The order in which launches get a slot."""

from __future__ import annotations

from uuid import UUID

from headrace_executor.slot_queue import Queue
from headrace_executor.store import Launch

from tests.support.launches import launch_command


def launch(
    number: int, *, priority: int = 0, state: str = "WAITING", canceled: bool = False
) -> Launch:
    command = launch_command(task_id=UUID(int=number), priority=priority)
    return Launch(command, state, canceled, None, None, None)


def order(queue: Queue) -> list[int]:
    taken = []
    while (found := queue.take()) is not None:
        taken.append(found.command.task_id.int)
    return taken


def test_the_higher_priority_goes_first_then_the_earlier_arrival() -> None:
    queue = Queue()
    for number, priority in enumerate([0, -5, 7, 0, 7]):
        queue.add(launch(number, priority=priority))
    assert order(queue) == [2, 4, 0, 3, 1]


def test_what_runs_already_comes_before_everything() -> None:
    queue = Queue()
    queue.add(launch(1, priority=1000))
    queue.add(launch(2, state="RUNNING", priority=-1000, canceled=True))
    assert order(queue) == [2, 1]


def test_what_is_canceled_needs_no_slot() -> None:
    queue = Queue()
    for number in range(4):
        queue.add(launch(number, canceled=number == 3))
    queue.cancel(launch(1).identity)
    queue.cancel(launch(1).identity)
    queue.cancel(launch(99).identity)
    canceled = [queue.take_canceled() for _ in range(3)]
    assert [found.command.task_id.int if found else None for found in canceled] == [3, 1, None]
    assert order(queue) == [0, 2]

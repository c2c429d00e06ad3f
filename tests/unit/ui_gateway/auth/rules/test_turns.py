"""Places are given to callers in turn."""

from __future__ import annotations

import pytest
from headrace_ui_gateway.auth.rules.turns import Turns


class Queue:
    """Requests of callers; records in which order they start."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.started: list[str] = []

    def ask(self, caller: str, name: str) -> None:
        if self.turns.ask(caller, lambda: self.started.append(name)):
            self.started.append(name)


def test_requests_beyond_the_places_wait_for_an_end() -> None:
    queue = Queue(2)
    for name in "abc":
        queue.ask("one", name)
    assert queue.started == ["a", "b"]
    queue.turns.end()
    assert queue.started == ["a", "b", "c"]


def test_a_caller_with_many_requests_does_not_delay_the_others() -> None:
    queue = Queue(1)
    for number in range(5):
        queue.ask("busy", f"busy {number}")
    queue.ask("other", "other")
    for _ in range(5):
        queue.turns.end()
    assert queue.started == ["busy 0", "busy 1", "other", "busy 2", "busy 3", "busy 4"]


def test_places_are_neither_lost_nor_added() -> None:
    queue = Queue(1)
    queue.ask("a", "first")
    waiting = lambda: queue.started.append("left")  # noqa: E731  # compared by identity
    assert not queue.turns.ask("a", waiting)
    queue.turns.leave("a", waiting)
    queue.turns.end()
    queue.ask("b", "second")
    queue.ask("b", "third")
    assert queue.started == ["first", "second"]
    with pytest.raises(KeyError):
        queue.turns.leave("a", waiting)

"""Turns: how many requests are worked on at one time, and who is next."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable


class Turns:
    """A number of places, and one queue for each caller. A free place goes to the callers in
    turn, so that one who sends many requests does not delay the others."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queues: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    @property
    def is_contended(self) -> bool:
        """Whether a caller waits for a place."""
        return bool(self._queues)

    def ask(self, caller: str, start: Callable[[], None]) -> bool:
        """Take a place. If none is free, queue for one and return False; `start` is called when
        the place is there."""
        if self._free:
            self._free -= 1
            return True
        self._queues.setdefault(caller, deque()).append(start)
        return False

    def leave(self, caller: str, start: Callable[[], None]) -> None:
        """Leave the queue without a place."""
        self._queues[caller].remove(start)
        if not self._queues[caller]:
            del self._queues[caller]

    def end(self) -> None:
        """Give a place back; it goes to the next caller who waits."""
        if not self._queues:
            self._free += 1
            return
        caller, queue = self._queues.popitem(last=False)
        start = queue.popleft()
        if queue:
            self._queues[caller] = queue
        start()

"""Launches that wait for a slot."""

from __future__ import annotations

import heapq
import itertools
from collections import deque

from headrace_executor.store import Identity, Launch

_Rank = tuple[bool, int, int]


class Queue:
    """What runs already comes first, since it holds a slot whether it is counted or not; then goes
    what has the higher priority, then what came first. What is canceled while it waits stands
    apart: it needs no slot."""

    def __init__(self) -> None:
        self._heap: list[tuple[_Rank, Identity]] = []
        self._waiting: dict[Identity, Launch] = {}
        self._canceled: deque[Launch] = deque()
        self._arrivals = itertools.count()

    def add(self, launch: Launch) -> None:
        """Let a launch wait."""
        if launch.cancel_requested and launch.state != "RUNNING":
            self._canceled.append(launch)
            return
        self._waiting[launch.identity] = launch
        rank = (launch.state != "RUNNING", -launch.command.priority, next(self._arrivals))
        heapq.heappush(self._heap, (rank, launch.identity))

    def cancel(self, identity: Identity) -> None:
        """Take a launch out of the waiting ones, if it is among them."""
        launch = self._waiting.pop(identity, None)
        if launch is not None:
            self._canceled.append(launch)

    def take(self) -> Launch | None:
        """The next launch that needs a slot, None when there is none."""
        while self._heap:
            launch = self._waiting.pop(heapq.heappop(self._heap)[1], None)
            if launch is not None:
                return launch
        return None

    def take_canceled(self) -> Launch | None:
        """A launch that was canceled while it waited, None when there is none."""
        return self._canceled.popleft() if self._canceled else None

"""Launches that wait for their turn."""

from __future__ import annotations

import heapq
import itertools
from collections import deque

from headrace_executor.store import Identity, Launch

_Rank = tuple[int, int]


class SlotQueue:
    """Orders launches that need a slot: higher priority first, then order of arrival.

    Launches that need none have a queue in order of arrival: those that run already, those that
    were canceled before they started, and those of which nothing is started here.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[_Rank, Identity]] = []
        self._waiting: dict[Identity, Launch] = {}
        self._slotless: deque[Launch] = deque()
        self._arrivals = itertools.count()

    def add(self, launch: Launch, *, is_started_here: bool = True) -> None:
        """Add a launch."""
        if not is_started_here or launch.cancel_requested or launch.state == "RUNNING":
            self._slotless.append(launch)
            return
        self._waiting[launch.identity] = launch
        rank = (-launch.command.priority, next(self._arrivals))
        heapq.heappush(self._heap, (rank, launch.identity))

    def cancel(self, identity: Identity) -> None:
        """Let a launch go without a slot, if it waits for one."""
        launch = self._waiting.pop(identity, None)
        if launch is not None:
            self._slotless.append(launch)

    def discard(self, identity: Identity) -> bool:
        """Remove a launch; False if it is not here."""
        if self._waiting.pop(identity, None) is not None:
            return True
        found = [launch for launch in self._slotless if launch.identity == identity]
        for launch in found:
            self._slotless.remove(launch)
        return bool(found)

    def peek(self) -> Launch | None:
        """The launch that gets the next slot, None when none waits."""
        while self._heap:
            launch = self._waiting.get(self._heap[0][1])
            if launch is not None:
                return launch
            heapq.heappop(self._heap)
        return None

    def take(self) -> Launch:
        """Remove and return the launch that gets the next slot."""
        launch = self._waiting.pop(heapq.heappop(self._heap)[1])
        return launch

    def take_slotless(self) -> Launch | None:
        """Remove and return a launch that needs no slot, None when there is none."""
        return self._slotless.popleft() if self._slotless else None

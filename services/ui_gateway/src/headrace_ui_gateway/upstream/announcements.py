"""Announcements of changed runs: one bus subscription for the whole gateway.

The recorder publishes on ``live.run.<id>`` after it has committed a change of a run. An
announcement may be lost, so that each waiter has a timeout and reads the run when it expires.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace_contracts.messages.subjects import live_run
from headrace_runtime.bus.connection import Bus
from nats.aio.msg import Msg

_EVERY_RUN = ""
_REMEMBERED = 10_000
"""Runs whose latest announcement is remembered, about 2 MB: those of several seconds under full
load. Only a request to the api has to be shorter than that; see `RunAnnouncements.since`."""


class RunAnnouncements:
    """Wakes the tasks that watch one run, or all runs."""

    def __init__(self, bus: Bus, stop: asyncio.Event) -> None:
        """`stop` is set when the gateway shuts down; streams end then."""
        self._bus = bus
        self._stop = stop
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._count = 0
        self._latest: OrderedDict[str, int] = OrderedDict()

    async def run(self) -> None:
        """Receive announcements until the gateway stops."""
        await self._bus.client.subscribe(live_run("*"), cb=self._receive)
        self._bus.when_reconnected(self._wake_all)  # what was announced meanwhile is lost
        try:
            await self._stop.wait()
        finally:  # also if this loop is canceled before it notices the stop
            self._wake_all()

    @property
    def stopping(self) -> bool:
        """Whether the gateway is shutting down."""
        return self._stop.is_set()

    @property
    def count(self) -> int:
        """The number of announcements so far: a position for `since`."""
        return self._count

    def since(self, position: int, run_id: str) -> bool:
        """Whether a run was announced after a position. For a request that creates a run: the
        announcement may arrive before the response, which has the run's id."""
        return self._latest.get(run_id, 0) > position

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        """Wait for an event that `watch` gave; returns whether it was set within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return False
        return True

    def announce(self, run_id: str) -> None:
        """Wake those who wait for a change of this run."""
        self._count += 1
        self._latest[run_id] = self._count
        self._latest.move_to_end(run_id)
        if len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        for event in (*self._watchers.get(run_id, ()), *self._watchers.get(_EVERY_RUN, ())):
            event.set()

    @asynccontextmanager
    async def watch(self, run_id: str = _EVERY_RUN) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the run changes, or any run without an id. The watcher clears
        it."""
        event = asyncio.Event()
        self._watchers[run_id].add(event)
        try:
            yield event
        finally:
            self._watchers[run_id].discard(event)
            if not self._watchers[run_id]:
                del self._watchers[run_id]

    def _wake_all(self) -> None:
        for events in self._watchers.values():
            for event in events:
                event.set()

    async def _receive(self, message: Msg) -> None:
        self.announce(message.subject.rpartition(".")[2])

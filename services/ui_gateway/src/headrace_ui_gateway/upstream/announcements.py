"""Announcements of changed runs: one bus subscription for the whole gateway.

The recorder publishes on ``live.run.<id>`` after it has committed a change of a run. An
announcement may be lost, so that each waiter has a timeout and reads again when it expires.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace_contracts.messages.subjects import live_run
from headrace_runtime.bus.connection import Bus
from nats.aio.msg import Msg

_EVERY_RUN = ""


class AnnouncedRuns:
    """The ids of the runs that were announced since this was opened. Once a run is waited for, only
    its announcements are collected."""

    def __init__(self) -> None:
        self._announced: set[str] = set()
        self._awaited: str | None = None
        self._changed = asyncio.Event()

    def add(self, run_id: str) -> None:
        """Note an announcement."""
        if self._awaited in (None, run_id):
            self._announced.add(run_id)
            self._changed.set()

    async def wait(self, run_id: str, seconds: float) -> bool:
        """Wait for an announcement of a run that no earlier call has returned; False if there is
        none within `seconds`. Every call is about the same run."""
        self._awaited = run_id
        try:
            async with asyncio.timeout(seconds):
                while run_id not in self._announced:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        self._announced.discard(run_id)
        return True


class RunAnnouncements:
    """Wakes the tasks that watch one run, or all runs."""

    def __init__(self, bus: Bus, stop: asyncio.Event) -> None:
        """`stop` is set when the gateway shuts down; streams end then."""
        self._bus = bus
        self._stop = stop
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._collectors: set[AnnouncedRuns] = set()

    async def run(self) -> None:
        """Receive announcements until the gateway stops."""
        await self._bus.client.subscribe(live_run("*"), cb=self._receive)
        await self._stop.wait()
        for events in self._watchers.values():
            for event in events:
                event.set()

    @property
    def stopping(self) -> bool:
        """Whether the gateway is shutting down."""
        return self._stop.is_set()

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        """Wait for an event that `watch` gave; returns whether it was set within `seconds`."""
        try:
            await asyncio.wait_for(changed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def announce(self, run_id: str) -> None:
        """Wake those who wait for a change of this run."""
        for event in (*self._watchers.get(run_id, ()), *self._watchers.get(_EVERY_RUN, ())):
            event.set()
        for collector in self._collectors:
            collector.add(run_id)

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

    @asynccontextmanager
    async def collect(self) -> AsyncIterator[AnnouncedRuns]:
        """Collect the announcements of all runs. For a request that creates a run: its id is not
        known before the announcement may arrive."""
        collector = AnnouncedRuns()
        self._collectors.add(collector)
        try:
            yield collector
        finally:
            self._collectors.discard(collector)

    async def _receive(self, message: Msg) -> None:
        self.announce(message.subject.rpartition(".")[2])

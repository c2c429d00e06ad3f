"""Live updates: one subscription on the bus for the whole gateway, a signal for each watcher."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from headrace_contracts.subjects import live_run
from headrace_runtime.bus.connection import Bus
from headrace_runtime.errors import RetryableError
from nats.aio.msg import Msg

from headrace_ui_gateway.rest.models import RunEvents
from headrace_ui_gateway.upstream.client import Snapshot

_EVERY_RUN = ""
_HEARTBEAT = b": still here\n\n"


class Live:
    """Wakes those who watch a run, or all runs."""

    def __init__(self, bus: Bus, stop: asyncio.Event) -> None:
        self._bus = bus
        self._stop = stop
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        """Listen for ever."""
        await self._bus.client.subscribe(live_run("*"), cb=self._heard)
        await self._stop.wait()
        for events in self._watchers.values():
            for event in events:
                event.set()

    @property
    def stopping(self) -> bool:
        """Whether the gateway is about to stop, and its streams with it."""
        return self._stop.is_set()

    async def pause(self, news: asyncio.Event, seconds: float) -> bool:
        """Wait for news, no longer than this; returns whether there is any."""
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _heard(self, message: Msg) -> None:
        run_id = message.subject.rpartition(".")[2]
        for event in (*self._watchers.get(run_id, ()), *self._watchers.get(_EVERY_RUN, ())):
            event.set()

    @asynccontextmanager
    async def watch(self, run_id: str = _EVERY_RUN) -> AsyncIterator[asyncio.Event]:
        """An event that is set when there is news."""
        event = asyncio.Event()
        self._watchers[run_id].add(event)
        try:
            yield event
        finally:
            self._watchers[run_id].discard(event)
            if not self._watchers[run_id]:
                del self._watchers[run_id]

    async def snapshots(
        self,
        run_id: str,
        read: Callable[[int], Awaitable[Snapshot]],
        per_second: float,
        heartbeat_seconds: float,
    ) -> AsyncIterator[bytes]:
        """A run as server-sent events: ``run``, how it stands, then ``changes`` whenever it has
        changed, with those tasks alone that have, to its end. `read` gives what has changed since
        a version. Source: the HTML standard, "Server-sent events"."""
        shown = -1
        async with self.watch(run_id) as news:
            while not self._stop.is_set():
                news.clear()
                try:
                    run = await read(max(shown, 0))
                except RetryableError:
                    await asyncio.sleep(1)  # its part of the system is away; the page waits
                    continue
                if run.version != shown:
                    kind = b"changes" if shown > 0 else b"run"
                    shown = run.version
                    yield b"event: %s\nid: %d\ndata: %s\n\n" % (kind, shown, run.body)
                    if run.state.final:
                        return
                await asyncio.sleep(1 / per_second)
                if not await self.pause(news, heartbeat_seconds):
                    yield _HEARTBEAT

    async def events(
        self,
        run_id: str,
        read: Callable[[int], Awaitable[tuple[RunEvents, bool]]],
        after: int,
        heartbeat_seconds: float,
    ) -> AsyncIterator[bytes]:
        """What happens to a run as server-sent events, each with its place as its id; ``end`` when
        the run has ended. `read` gives what follows a place, and whether the run had ended before
        it was read."""
        async with self.watch(run_id) as news:
            while not self.stopping:
                news.clear()
                try:
                    found, ended = await read(after)
                except RetryableError:
                    await asyncio.sleep(1)
                    continue
                for event in found.events:
                    after = event.seq
                    yield b"id: %d\ndata: %s\n\n" % (after, event.to_json())
                if found.events:
                    continue
                if ended:
                    yield b"event: end\ndata: {}\n\n"
                    return
                if not await self.pause(news, heartbeat_seconds):
                    yield _HEARTBEAT

    async def changes(self, per_second: float, heartbeat_seconds: float) -> AsyncIterator[bytes]:
        """A word whenever any run has changed: the list is then read anew."""
        yield b"event: runs\ndata: {}\n\n"
        async with self.watch() as news:
            while not self._stop.is_set():
                heard = await self.pause(news, heartbeat_seconds)
                news.clear()
                yield b"event: runs\ndata: {}\n\n" if heard else _HEARTBEAT
                await asyncio.sleep(1 / per_second)

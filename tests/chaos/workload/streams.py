"""Follows the live events of some runs to their end, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from tests.chaos.journal import Stream
from tests.chaos.testbed import Testbed

_SILENCE_SECONDS = 60.0


class Streams:
    """One subscriber for each watched run."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, run_id: str) -> None:
        """Follow the events of a run."""
        stream = self._bed.journal.streams.setdefault(run_id, Stream(run_id))
        task = asyncio.create_task(self._follow(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for the ends of all streams; gives up those that have none."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, stream: Stream) -> None:
        while not stream.ended:
            stream.connections += 1
            try:
                if not await self._connect(stream):
                    return
            except (httpx.HTTPError, OSError, ValueError):
                pass
            await asyncio.sleep(0.5)

    async def _connect(self, stream: Stream) -> bool:
        """Read one connection; False when there is no such run any more."""
        url = f"{self._bed.deployment.url}/api/v1/runs/{stream.run_id}/events/live"
        headers = {"Last-Event-ID": str(stream.events[-1][0])} if stream.events else {}
        timeout = httpx.Timeout(_SILENCE_SECONDS, connect=5)
        async with self._bed.client.stream("GET", url, headers=headers, timeout=timeout) as got:
            if got.status_code == 404:
                return False
            if got.status_code != 200:
                return True
            name, data = "message", ""
            async for line in got.aiter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data = line[5:].strip()
                elif not line and data:
                    self._take(stream, name, json.loads(data))
                    name, data = "message", ""
                if stream.ended:
                    return True
        return True

    def _take(self, stream: Stream, name: str, data: Any) -> None:
        if name == "end":
            stream.ended = True
        elif "seq" in data:
            stream.events.append((data["seq"], data["event_id"]))

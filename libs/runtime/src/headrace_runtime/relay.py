"""The relay publishes the outbox, and keeps each message until all its readers have it.

Invariant: a message leaves the outbox only after every reader has acknowledged it to the stream
that the server still has. What another stream acknowledged is published again: the server may have
lost it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headrace_contracts.messages.subjects import Subscription

from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.positions import read_positions
from headrace_runtime.faults.bus import translating
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import repeat
from headrace_runtime.metrics import OUTBOX_BACKLOG
from headrace_runtime.pg.database import Database

_PASS_SECONDS = 1.0
"""Less than `_SWEEP_OLDER_THAN_SECONDS`, so that the sweeper does not republish what was published
but not yet marked. Each pass is a commit of its own."""
_SWEEP_EVERY_SECONDS = 2.0
_SWEEP_OLDER_THAN_SECONDS = 2.0
_COMPARE_EVERY_SECONDS = 5.0
"""How often the outbox is compared with the streams, while there is something to compare."""


class Relay:
    """The outbox of one service and the streams that it publishes to."""

    def __init__(self, bus: Bus, database: Database, readers: Sequence[Subscription]) -> None:
        """`readers`: all that read what the service publishes."""
        self._bus = bus
        self._database = database
        self._readers = readers
        self._next_sweep = 0.0
        self._next_comparison = 0.0
        self._compared_server = ""
        self._log = get_logger()
        bus.when_reconnected(self._on_reconnected)

    async def run(self) -> None:
        """Publish until cancelled."""
        await repeat("relay", self._pass, _PASS_SECONDS, retry_seconds=_PASS_SECONDS)

    async def _pass(self) -> None:
        clock = asyncio.get_running_loop().time
        await self._database.mark_published()
        if not self._bus.client.is_connected:
            return
        if clock() >= self._next_comparison:
            with translating():
                await self.compare()
            self._next_comparison = clock() + _COMPARE_EVERY_SECONDS
        if clock() >= self._next_sweep:
            await self.sweep()
            self._next_sweep = clock() + _SWEEP_EVERY_SECONDS

    async def sweep(self) -> None:
        """Publish all that was committed and not published, in batches."""
        while True:
            swept = await self._database.sweep(_SWEEP_OLDER_THAN_SECONDS)
            await self._database.mark_published()
            OUTBOX_BACKLOG.set(swept.found - swept.published)
            if not swept.published:
                return

    async def compare(self) -> None:
        """Delete what all readers have handled, and have published again what may be lost."""
        server = self._bus.server
        if server == self._compared_server and not await self._database.has_published():
            return
        for position in await read_positions(self._bus, self._readers):
            identity = position.identity.whole
            lost = await self._database.unpublish(position.stream, identity)
            if lost:
                self._log.warning("messages_unpublished", stream=position.stream, count=lost)
                self._next_sweep = 0.0
            await self._database.delete_handled(position.stream, identity, position.handled)
        self._compared_server = server

    def _on_reconnected(self) -> None:
        self._next_comparison = 0.0

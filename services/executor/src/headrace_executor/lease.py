"""The lease of this executor, which covers all launches that it owns.

The lease is measured by the clock of the database alone, and a renewal returns whether it was
still valid. The clock of this machine, which also runs while the process or the machine is
suspended, only decides when this executor doubts its lease. In doubt, or after the lease expired,
it starts nothing until it has renewed the lease and compared its launches with the database.

Invariant: correctness does not depend on the lease. It rests on the owner and the epoch that each
write of a launch names; the lease keeps executors from taking over launches of a live one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from headrace_runtime.pg.database import Database

from headrace_executor import store
from headrace_executor.store import Renewal

_RENEWALS = 4
"""Renewals in the time of one lease: three may fail before others take over."""
_COMPARE_SECONDS = 60.0
"""How often launches are compared with the database even if nothing calls for it."""


class Lease:
    """The lease of one owner, as far as this process knows it."""

    def __init__(self, database: Database, owner: str, seconds: float) -> None:
        self.owner = owner
        self.renew_seconds = seconds / _RENEWALS
        self._database = database
        self._seconds = seconds
        self._renewed_at = -seconds
        self._held_since = 0.0
        self._compared_at = 0.0
        self._requests = self._answered_requests = 0
        self._is_doubtful = True
        self._attention = asyncio.Event()
        self._confirmed = asyncio.Event()

    async def acquire(self) -> None:
        """Start the lease."""
        now = _now()
        await self._database.transact(
            lambda unit: store.acquire_lease(unit.connection, self.owner, self._seconds)
        )
        self._renewed_at = self._held_since = self._compared_at = now
        self._is_doubtful = False

    async def renew(self) -> Renewal:
        """Extend the lease. It is in doubt if it had expired, which the database knows, or if more
        than half of it has passed since the last renewal."""
        now = _now()
        renewal = await self._database.transact(
            lambda unit: store.renew_lease(unit.connection, self.owner, self._seconds)
        )
        if not renewal.is_held:
            await self.acquire()
        if not renewal.is_held or now - self._renewed_at > self._seconds / 2:
            self._held_since = now
            self._is_doubtful = True
        self._renewed_at = now
        if not self._is_doubtful:
            self._confirmed.set()
        return renewal

    async def release(self) -> None:
        """End the lease, so that other executors take over at once."""
        await self._database.transact(lambda unit: store.release_lease(unit.connection, self.owner))

    def is_certain(self) -> bool:
        """Whether no other executor can have taken over any launch."""
        return not self._is_doubtful and _now() - self._renewed_at < self._seconds

    async def until_certain(self) -> None:
        """Return when the lease is certain."""
        while not self.is_certain():
            self._confirmed.clear()
            self._attention.set()
            await self._confirmed.wait()

    def may_take_over(self) -> bool:
        """Whether this executor may take launches of others whose lease has expired.

        After an outage of the database every lease has expired although no executor is dead. So an
        executor takes over only if it has held its own lease without a gap for the time of a whole
        one: the others had as much time to renew theirs.
        """
        return not self._is_doubtful and _now() - self._held_since >= self._seconds

    def request_comparison(self) -> None:
        """Have the launches compared with the database soon."""
        self._requests += 1
        self._attention.set()

    def is_comparison_due(self) -> bool:
        """Whether the launches are to be compared with the database now."""
        is_requested = self._requests != self._answered_requests
        is_old = _now() - self._compared_at > _COMPARE_SECONDS
        return self._is_doubtful or is_requested or is_old

    async def compare(self, comparison: Callable[[], Awaitable[None]]) -> None:
        """Run a comparison, which removes any doubt; a request that comes meanwhile is for the
        next one."""
        now, requests = _now(), self._requests
        await comparison()
        self._compared_at, self._answered_requests = now, requests
        self._is_doubtful = False
        self._confirmed.set()

    async def wait(self) -> None:
        """Return when it is time to renew the lease, or something calls for a comparison."""
        try:
            async with asyncio.timeout(self.renew_seconds):
                await self._attention.wait()
        except TimeoutError:
            return
        finally:
            self._attention.clear()


def _now() -> float:
    """Seconds of a clock that never goes back and also runs while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

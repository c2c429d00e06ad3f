"""The launches of one executor: which it owns, and when each gets its turn.

Invariant: an open launch that this executor owns is carried out. A restarted executor adopts the
launches of its predecessor. One whose lease expired loses its launches to others, and learns of it
by comparing them with the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import repeat, until_available
from headrace_runtime.pg.database import Database, Unit

from headrace_executor import store
from headrace_executor.active_launch import ActiveLaunch
from headrace_executor.backends.port import Backend
from headrace_executor.lease import Lease
from headrace_executor.slot_queue import SlotQueue
from headrace_executor.store import Identity, Launch

_TAKE_OVER_LIMIT = 200
"""Launches in one transaction; each comes with its whole command."""
_KEEP_LAUNCHES = timedelta(days=4)
"""Far longer than the scheduler needs to handle an end. Until it has, it repeats the command, and a
launch that was forgotten would start again."""
_PURGE_SECONDS = 3600.0
"""The first time after as long: what was not answered before this executor stopped is asked for
again within minutes."""
_KEEP_LEASES = timedelta(days=30)
"""An executor that was away for longer has no work folder to clean any more."""
_SWEEP_SECONDS = 600.0
"""What a killed executor left is removed when it starts again, and this often for the rest."""


class Runner:
    """Carries out the launches that this executor owns, as many at a time as its backend takes."""

    def __init__(
        self,
        database: Database,
        backend: Backend,
        lease_seconds: float,
        most_transfers: int = 32,
    ) -> None:
        """`most_transfers` is how many launches without room for their command may be under way
        before further ones start."""
        self._database = database
        self._backend = backend
        self._most_transfers = most_transfers
        self._transferring: set[Identity] = set()
        """Launches whose command has ended, and which are not over."""
        self._lease = Lease(database, backend.owner, lease_seconds)
        self._queue = SlotQueue()
        self._wake = asyncio.Event()
        self._adopted = asyncio.Event()
        self._active: dict[Identity, ActiveLaunch] = {}
        self._ended: dict[Identity, int] = {}
        """Epochs of launches that ended while another task had read them, and not yet enqueued."""
        self._readers = 0
        self._cleans: set[UUID] = set()
        self._clean_requested = asyncio.Event()
        self._log = get_logger()

    @property
    def owner(self) -> str:
        """The name under which this executor owns launches."""
        return self._lease.owner

    async def until_adopted(self) -> None:
        """Return when the predecessor's launches are adopted. New commands wait for that."""
        await self._adopted.wait()

    @contextmanager
    def remembering_ends(self) -> Iterator[None]:
        """While launches are read from the database, or written to it, and then enqueued: one that
        ends in between is not carried out twice."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._ended.clear()

    def enqueue(self, launch: Launch) -> None:
        """Carry out a launch when it gets its turn; one that is known is ignored."""
        key = launch.identity
        if key in self._active or launch.epoch <= self._ended.get(key, -1):
            return
        self._active[key] = ActiveLaunch(launch, self._database, self._backend, self._lease)
        is_out_of_reach = launch.is_foreign and not self._backend.is_shared
        self._queue.add(launch, is_started_here=not (is_out_of_reach or launch.is_taken))
        self._wake.set()

    def cancel(self, key: Identity) -> None:
        """Stop an attempt, whether it waits or runs; one that is unknown is ignored."""
        active = self._active.get(key)
        if active is not None:
            active.cancel()
            self._queue.cancel(key)
            self._wake.set()

    def request_comparison(self) -> None:
        """Look soon for launches that this executor owns and does not carry out."""
        self._lease.request_comparison()

    async def clean_run(self, run_id: UUID) -> None:
        """Remove what the backend has for a run as a whole."""
        await self._backend.clean_run(run_id)

    async def run(self) -> None:
        """Adopt what a predecessor left, then carry out what comes, until cancelled."""
        await until_available(self._adopt, "adoption_postponed")
        self._adopted.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease())
                group.create_task(self._clean_requested_runs())
                group.create_task(repeat("sweep", self._sweep, _SWEEP_SECONDS))
                group.create_task(
                    repeat("purge_launches", self._purge, _PURGE_SECONDS, pause_first=True)
                )
                while True:
                    self._wake.clear()
                    self._start_next(group)
                    await self._wake.wait()
        finally:
            if self._backend.is_shared:
                await self._release_lease()

    def _start_next(self, group: asyncio.TaskGroup) -> None:
        """Start every launch that needs no slot or gets one."""
        while (launch := self._queue.take_slotless()) is not None:
            is_running = launch.state == "RUNNING"
            if is_running:
                self._backend.reserve(launch.command, is_running=True)
            self._start(group, launch, holds_room=is_running)
        while (waiting := self._queue.peek()) is not None:
            if len(self._transferring) >= self._most_transfers:
                return
            if not self._backend.reserve(waiting.command, is_running=False):
                return
            self._start(group, self._queue.take(), holds_room=True)

    def _start(self, group: asyncio.TaskGroup, launch: Launch, *, holds_room: bool) -> None:
        key = launch.identity

        def release_room() -> None:
            nonlocal holds_room
            if holds_room:
                holds_room = False
                self._transferring.add(key)
                self._backend.release(launch.command)
                self._wake.set()

        def finish(_: object) -> None:
            release_room()
            self._transferring.discard(key)
            if active.is_disowned and not launch.is_taken:
                self._lease.request_comparison()  # it may have come back, which was ignored so far
            self._forget(key)
            self._wake.set()

        active = self._active[key]
        active.start(group, release_room).add_done_callback(finish)

    def _forget(self, key: Identity) -> None:
        active = self._active.pop(key, None)
        if active is not None and self._readers:
            self._ended[key] = active.launch.epoch

    async def _adopt(self) -> None:
        await self._lease.acquire()

        async def work(unit: Unit) -> list[Launch]:
            await store.purge(unit.connection, _KEEP_LEASES)
            return await store.adopt(unit.connection, self.owner)

        for launch in await self._database.transact(work):
            self.enqueue(launch)

    async def _keep_lease(self) -> None:
        """Renew the lease and act on what the renewal finds, for ever."""
        while True:
            await self._lease.wait()
            await until_available(self._renew, "lease_postponed")

    async def _renew(self) -> None:
        renewal = await self._lease.renew()
        if self._lease.is_comparison_due():
            await self._lease.compare(self._compare)
        for key in renewal.cancels:
            self.cancel(key)
        if renewal.has_expired_owner and self._lease.may_take_over():
            await self._take_over()
        await self._enqueue_taken([key for key in renewal.taken if key not in self._active])
        self._cleans.update(renewal.cleans)
        self._clean_requested.set()
        self._wake.set()  # the backend may have room again

    async def _take_over(self) -> None:
        """Take the launches of executors whose lease has expired."""
        while True:
            launches = await self._database.transact(
                lambda unit: store.take_over(unit.connection, self.owner, _TAKE_OVER_LIMIT)
            )
            for launch in launches:
                self.enqueue(launch)
            if launches:
                self._log.warning("launches_taken_over", count=len(launches))
            if len(launches) < _TAKE_OVER_LIMIT:
                return

    async def _enqueue_taken(self, keys: list[Identity]) -> None:
        """Remove what is left of launches that others took over before this process started."""
        if not keys:
            return
        async with self._database.read() as connection:
            launches = await store.taken_launches(connection, self.owner, keys)
        for launch in launches:
            self.enqueue(launch)

    async def _compare(self) -> None:
        """Carry out what this executor owns, and drop what it does not own any more."""
        known = {key: active.launch.epoch for key, active in self._active.items()}
        with self.remembering_ends():
            async with self._database.read() as connection:
                owned = await store.owned(connection, self.owner)
                # An own launch that has ended is not among them.
                doubtful = [key for key, epoch in known.items() if owned.get(key) != epoch]
                epochs = await store.epochs(connection, self.owner, doubtful) if doubtful else {}
                missing = [key for key in owned if key not in known]
                found = (
                    await store.owned_launches(connection, self.owner, missing) if missing else []
                )
            for key in doubtful:
                if epochs.get(key) != known[key]:
                    self._disown(key, known[key])
            for launch in found:
                self.enqueue(launch)

    def _disown(self, key: Identity, epoch: int) -> None:
        active = self._active.get(key)
        if active is None or active.launch.epoch != epoch:
            return
        active.disown()
        if self._queue.discard(key):
            self._forget(key)

    async def _clean_requested_runs(self) -> None:
        """Clean runs whose command another executor got, for ever. Beside the renewals, which a
        large workspace would hold up."""
        while True:
            await self._clean_requested.wait()
            self._clean_requested.clear()
            run_ids = list(self._cleans)
            if run_ids:
                try:
                    await until_available(partial(self._clean_runs, run_ids), "clean_postponed")
                except Exception:  # the next renewal finds the runs again
                    self._log.exception("clean_failed")
                self._cleans.difference_update(run_ids)

    async def _clean_runs(self, run_ids: list[UUID]) -> None:
        for run_id in run_ids:
            await self._backend.clean_run(run_id)
        await self._database.transact(
            lambda unit: store.set_cleaned(unit.connection, self.owner, run_ids)
        )

    async def _sweep(self) -> None:
        """Remove what is left of launches that are not open."""
        count = await self._backend.sweep(self._open_among)
        if count:
            self._log.warning("leftovers_removed", attempts=count)

    async def _open_among(self, keys: Sequence[Identity]) -> set[Identity]:
        """Those of these launches that are open, or that this process still carries out."""
        async with self._database.read() as connection:
            found = await store.open_among(connection, keys)
        return found | (self._active.keys() & set(keys))

    async def _purge(self) -> None:
        """Remove launches that ended long ago."""
        await self._database.transact(
            lambda unit: store.purge_launches(unit.connection, _KEEP_LAUNCHES)
        )

    async def _release_lease(self) -> None:
        try:
            await self._lease.release()
        except RetryableError as error:
            self._log.warning("lease_not_released", error=str(error))

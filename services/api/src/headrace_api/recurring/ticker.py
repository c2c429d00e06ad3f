"""The ticker submits the runs of recurring runs when their slots are due.

It acts for the system: the creator of a recurring run had permission to submit its runs. Each slot
is taken in one transaction with its run, so replicas do not submit a slot twice. Postgres' clock
decides what is due: a replica whose own clock is wrong submits neither too early nor too late.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import repeat
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.recurring import store
from headrace_api.recurring.rules.recurring_run import StoredRecurringRun, submission_for
from headrace_api.recurring.rules.triggers import plan
from headrace_api.runs.submissions import Submissions

_SLOTS_PER_TICK = 100


class Ticker:
    """Submits what is due. Any number of replicas may run."""

    def __init__(
        self,
        database: Database,
        submissions: Submissions,
        space: SpaceReserve,
        pause_seconds: float,
    ) -> None:
        self._database = database
        self._submissions = submissions
        self._space = space
        self._pause_seconds = pause_seconds
        self._waits_for_space = False

    async def run(self) -> None:
        """Tick forever. A slot that cannot be taken now is due again at the next tick."""

        async def tick() -> bool:
            return await self.tick() > 0

        await repeat("tick", tick, self._pause_seconds)

    async def tick(self) -> int:
        """Take one slot of each recurring run that is due; returns how many were taken. While there
        is too little free space slots stay due."""
        if self._must_wait_for_space():
            return 0
        now = await self._database.time()
        async with self._database.read() as connection:
            due = await store.due(connection, now, _SLOTS_PER_TICK)
        return sum([await self._try(identity, now) for identity in due])

    def _must_wait_for_space(self) -> bool:
        shortage = self._space.shortage()
        if (shortage is not None) is not self._waits_for_space:
            self._waits_for_space = shortage is not None
            get_logger().warning("slots_wait", reason=str(shortage or "there is space again"))
        return self._waits_for_space

    async def _try(self, identity: UUID, now: datetime) -> bool:
        """Take a slot. An unexpected error of one recurring run does not stop the others."""
        try:
            return await self._take(identity, now)
        except RetryableError:
            raise
        except Exception:
            get_logger().exception("slot_failed", recurring_run_id=str(identity))
            return False

    async def _take(self, identity: UUID, now: datetime) -> bool:
        async with self._database.read() as connection:
            recurring_run = await store.by_id(connection, identity, None)
            active = await store.count_active_runs(connection, identity)
        if recurring_run is None or not recurring_run.enabled:
            return False
        definition = recurring_run.definition
        room = min(1, definition.max_concurrency - active)
        slot, next_at = recurring_run.next_at or now, None
        try:
            planned = plan(
                recurring_run.slots,
                recurring_run.since,
                now,
                catch_up=definition.catch_up,
                room=room,
            )
            if not planned.due:
                return False
            (slot,), next_at = planned.due, planned.next_at
            return await self._submit(recurring_run, slot, next_at)
        except RejectedError as error:
            if error.rejection.code is RejectionCode.INSUFFICIENT_STORAGE:
                return False  # the slot stays due
            return await self._record_rejection(recurring_run, slot, next_at, error.rejection)

    async def _submit(
        self, recurring_run: StoredRecurringRun, slot: datetime, next_at: datetime | None
    ) -> bool:
        """Submit the run of a slot; False when another replica was faster."""
        request, scheduled_slot = submission_for(recurring_run, slot)
        prepared = await self._submissions.prepare(request, scheduled_slot)

        async def submit(unit: Unit) -> UUID:
            accepted = await self._submissions.commit(unit, prepared)
            return accepted.submission.run_id

        return await self._take_slot(recurring_run, slot, next_at, submit)

    async def _record_rejection(
        self,
        recurring_run: StoredRecurringRun,
        slot: datetime,
        next_at: datetime | None,
        rejection: Rejection,
    ) -> bool:
        """Store why a slot has no run; the next slot follows."""
        identity = str(recurring_run.recurring_run_id)
        get_logger().warning("slot_refused", recurring_run_id=identity, **rejection.model_dump())

        async def reject(unit: Unit) -> Rejection:
            return rejection

        return await self._take_slot(recurring_run, slot, next_at, reject)

    async def _take_slot(
        self,
        recurring_run: StoredRecurringRun,
        slot: datetime,
        next_at: datetime | None,
        outcome: Callable[[Unit], Awaitable[UUID | Rejection]],
    ) -> bool:
        """Mark a slot as done, in one transaction with its outcome; False when the recurring run
        was changed meanwhile, or another replica has it."""
        identity = recurring_run.recurring_run_id

        async def work(unit: Unit) -> bool:
            if not await store.lock_for_slot(unit.connection, identity, recurring_run.revision):
                return False
            await store.take_slot(unit.connection, identity, slot, next_at, await outcome(unit))
            return True

        return await self._database.transact(work)

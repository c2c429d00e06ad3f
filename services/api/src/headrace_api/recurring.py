"""Recurring runs: how they are made and changed, and the loop that submits what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ids import new_id
from headrace_contracts.recurring import RecurringRunDefinition
from headrace_runtime.access import require
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit

from headrace_api import recurring_store as store
from headrace_api.answers import check_unchanged
from headrace_api.core.recurrences import (
    Recurrence,
    created,
    edited,
    merged,
    shown,
    submission_for,
    switched,
)
from headrace_api.core.requests import own_document, stored_form
from headrace_api.core.triggers import plan
from headrace_api.once import RequestKey, once
from headrace_api.submissions import Submissions, experiment_of

_AT_ONCE = 100


class RecurringRuns:
    """Keeps recurring runs. Raises `RejectedError` for what cannot be, and what the caller does
    not see or may not change."""

    def __init__(self, database: Database, submissions: Submissions) -> None:
        self._database = database
        self._submissions = submissions

    async def create(
        self, caller: Access, definition: RecurringRunDefinition, key: RequestKey | None = None
    ) -> Recurrence:
        """A new one; a run of it would be accepted now. With a key, one for all its repeats."""
        require(caller, Role.EDITOR, definition.namespace)
        now = datetime.now(UTC)
        made = created(new_id(), definition, now)
        definition = await self._checked(made, now)

        async def make(unit: Unit) -> Recurrence:
            settled = created(
                made.recurring_run_id, await _with_experiment(unit, definition, now), now
            )
            await store.insert(unit.connection, settled)
            return settled

        async def work(unit: Unit) -> Recurrence | None:
            return await once(
                unit,
                key,
                (definition.namespace, "recurring_run"),
                lambda: make(unit),
                lambda known: store.by_id(unit.connection, known, caller.visible),
                lambda settled: settled.recurring_run_id,
            )

        return _found(await self._database.transact(work), made.recurring_run_id)

    async def get(self, caller: Access, identity: UUID) -> Recurrence:
        """One of them."""
        async with self._database.read() as connection:
            return _found(await store.by_id(connection, identity, caller.visible), identity)

    async def edit(
        self, caller: Access, identity: UUID, changes: dict[str, Any], if_match: str | None = None
    ) -> Recurrence:
        """Change some fields of its definition, in place, if it is as `if_match` says."""
        now = datetime.now(UTC)
        before = await self.get(caller, identity)
        check_unchanged(if_match, shown(before))
        require(caller, Role.EDITOR, before.definition.namespace)
        changed = edited(before, merged(before, changes), now)
        definition = await self._checked(changed, now)

        async def work(unit: Unit) -> Recurrence:
            current = await self._locked(unit, caller, identity)
            if (current.definition, current.enabled) != (before.definition, before.enabled):
                raise RejectedError.because(
                    RejectionCode.CONFLICT, "somebody else edited it at the same time; try again"
                )
            settled = edited(current, await _with_experiment(unit, definition, now), now)
            await store.update(unit.connection, settled)
            return settled

        return await self._database.transact(work)

    async def switch(self, caller: Access, identity: UUID, enabled: bool) -> Recurrence:
        """Enable or disable it."""
        now = datetime.now(UTC)

        async def work(unit: Unit) -> Recurrence:
            found = await self._locked(unit, caller, identity)
            changed = switched(found, enabled, now)
            if changed is not found:
                await store.update(unit.connection, changed)
            return changed

        return await self._database.transact(work)

    async def delete(self, caller: Access, identity: UUID) -> None:
        """Delete it; its runs stay."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def moments(self, caller: Access, identity: UUID, count: int) -> tuple[datetime, ...]:
        """Its next slots from now on."""
        found = await self.get(caller, identity)
        return tuple(islice(found.slots.after(max(found.since, datetime.now(UTC))), count))

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> Recurrence:
        """One of them, for a change of it by the caller."""
        known = await store.by_id(unit.connection, identity, caller.visible, lock=True)
        found = _found(known, identity)
        require(caller, Role.EDITOR, found.definition.namespace)
        return found

    async def _checked(self, made: Recurrence, now: datetime) -> RecurringRunDefinition:
        """The definition, its package read into a spec; refused when no run would come of it."""
        request, occasion = submission_for(made, now)
        await self._submissions.check(request, occasion)
        document = own_document(request)
        if document is None:
            return made.definition
        return made.definition.model_copy(
            update={"pipeline_spec": stored_form(document), "package": None}
        )


class Ticker:
    """Submits what is due, for the system: who made a recurring run was allowed to. Several may
    run: a slot is taken in one transaction with its run."""

    def __init__(
        self,
        database: Database,
        submissions: Submissions,
        every_seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._submissions = submissions
        self._every_seconds = every_seconds
        self._clock = clock

    async def run(self) -> None:
        """Tick for ever; what cannot be done now is due again at the next tick."""
        while True:
            taken = 0
            try:
                taken = await self.tick()
            except RetryableError as error:
                get_logger().warning("tick_postponed", error=str(error))
            if not taken:
                await asyncio.sleep(self._every_seconds)

    async def tick(self) -> int:
        """One pass: one slot of each recurring run that is due. Returns how many were taken."""
        now = self._clock()
        async with self._database.read() as connection:
            due = await store.due(connection, now, _AT_ONCE)
        return sum([await self._attempt(identity, now) for identity in due])

    async def _attempt(self, identity: UUID, now: datetime) -> bool:
        """Take a slot; a fault of one recurring run must not stop the others."""
        try:
            return await self._take(identity, now)
        except RetryableError:
            raise
        except Exception:
            get_logger().exception("slot_failed", recurring_run_id=str(identity))
            return False

    async def _take(self, identity: UUID, now: datetime) -> bool:
        async with self._database.read() as connection:
            found = await store.by_id(connection, identity, None)
            active = await store.active(connection, identity)
        if found is None or not found.enabled:
            return False
        slot, next_at = found.next_at or now, None
        try:
            room = min(1, found.definition.max_concurrency - active)
            planned = plan(
                found.slots, found.since, now, catch_up=found.definition.catch_up, room=room
            )
            if not planned.due:
                return False
            (slot,), next_at = planned.due, planned.next_at
            return await self._submit(found, slot, next_at)
        except RejectedError as error:
            rejection = error.rejection
        return await self._note(found, slot, next_at, rejection)

    async def _submit(self, found: Recurrence, slot: datetime, next_at: datetime | None) -> bool:
        request, occasion = submission_for(found, slot)
        prepared = await self._submissions.prepare(request, occasion)
        identity = found.recurring_run_id

        async def work(unit: Unit) -> bool:
            if not await store.lock_for_slot(unit.connection, identity, found.revision):
                return False
            accepted = await self._submissions.keep(unit, prepared)
            run_id = accepted.submission.run_id
            await store.take_slot(unit.connection, identity, slot, next_at, run_id)
            return True

        return await self._database.transact(work)

    async def _note(
        self, found: Recurrence, slot: datetime, next_at: datetime | None, rejection: Rejection
    ) -> bool:
        """Keep why a slot brought no run, and go on to the next."""
        identity = found.recurring_run_id
        get_logger().warning(
            "slot_refused", recurring_run_id=str(identity), **rejection.model_dump()
        )

        async def work(unit: Unit) -> bool:
            if not await store.lock_for_slot(unit.connection, identity, found.revision):
                return False
            await store.take_slot(unit.connection, identity, slot, next_at, rejection)
            return True

        return await self._database.transact(work)


async def _with_experiment(
    unit: Unit, definition: RecurringRunDefinition, now: datetime
) -> RecurringRunDefinition:
    """The definition with its experiment found or made."""
    experiment = await experiment_of(
        unit, definition.namespace, definition.experiment_id, definition.experiment, now
    )
    return definition.model_copy(
        update={"experiment_id": experiment.experiment_id, "experiment": experiment.display_name}
    )


def _found(value: Recurrence | None, identity: UUID) -> Recurrence:
    if value is None:
        raise RejectedError.because(
            RejectionCode.NOT_FOUND, f"there is no recurring run {identity}", "recurring_run_id"
        )
    return value

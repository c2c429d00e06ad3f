"""Creates, changes and deletes recurring runs."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.ids import new_id
from headrace_contracts.recurring import RecurringRunDefinition, RecurringRunPage
from headrace_runtime.access import require_role
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.errors import conflict, found
from headrace_api.experiments.service import find_or_create_experiment
from headrace_api.http.idempotency import Created, IdempotentRequest, create_once
from headrace_api.http.parameters import check_unchanged
from headrace_api.pipelines.rules.documents import stored_form
from headrace_api.recurring import store
from headrace_api.recurring.rules.recurring_run import (
    StoredRecurringRun,
    changed_definition,
    new_recurring_run,
    resource,
    submission_for,
    with_definition,
    with_enabled,
)
from headrace_api.runs.sources import included_document_of
from headrace_api.runs.submissions import Submissions


class RecurringRuns:
    """Recurring runs. Raises `RejectedError` for requests that are not valid, and for recurring
    runs that the caller cannot see or change."""

    def __init__(self, database: Database, submissions: Submissions, space: SpaceReserve) -> None:
        self._database = database
        self._submissions = submissions
        self._space = space

    async def create(
        self,
        caller: Access,
        definition: RecurringRunDefinition,
        request: IdempotentRequest | None = None,
    ) -> Created[StoredRecurringRun]:
        """Create a recurring run whose runs would be accepted now."""
        require_role(caller, Role.EDITOR, definition.namespace)
        now = await self._database.time()
        identity = new_id()
        definition = await self._checked(new_recurring_run(identity, definition, now), now)

        async def create(unit: Unit) -> StoredRecurringRun:
            self._space.require()
            complete = await _with_experiment(unit, definition, now)
            recurring_run = new_recurring_run(identity, complete, now)
            await store.insert(unit.connection, recurring_run)
            return recurring_run

        async def work(unit: Unit) -> Created[StoredRecurringRun] | None:
            return await create_once(
                unit,
                request,
                namespace=definition.namespace,
                kind="recurring_run",
                create=lambda: create(unit),
                find=lambda identity: store.by_id(unit.connection, identity, caller.visible),
                identity=lambda recurring_run: recurring_run.recurring_run_id,
            )

        created = await self._database.transact(work)
        assert created is not None  # names of recurring runs are not unique
        return created

    async def get(self, caller: Access, identity: UUID) -> StoredRecurringRun:
        """One recurring run."""
        async with self._database.read() as connection:
            return _found(await store.by_id(connection, identity, caller.visible), identity)

    async def page(self, page: Page) -> RecurringRunPage:
        """A page of the list."""
        async with self._database.read() as connection:
            return await store.page(connection, page)

    async def change(
        self, caller: Access, identity: UUID, changes: dict[str, Any], if_match: str | None = None
    ) -> StoredRecurringRun:
        """Change the given fields of the definition, if the recurring run matches `if_match`."""
        now = await self._database.time()
        before = await self.get(caller, identity)
        check_unchanged(if_match, resource(before))
        require_role(caller, Role.EDITOR, before.definition.namespace)
        changed = with_definition(before, changed_definition(before, changes), now)
        definition = await self._checked(changed, now)

        async def work(unit: Unit) -> StoredRecurringRun:
            current = await self._locked(unit, caller, identity)
            if (current.definition, current.enabled) != (before.definition, before.enabled):
                raise conflict("another request modified the recurring run at the same time; retry")
            complete = await _with_experiment(unit, definition, now)
            updated = with_definition(current, complete, now)
            await store.update(unit.connection, updated)
            return updated

        return await self._database.transact(work)

    async def set_enabled(
        self, caller: Access, identity: UUID, enabled: bool
    ) -> StoredRecurringRun:
        """Enable or disable a recurring run."""
        now = await self._database.time()

        async def work(unit: Unit) -> StoredRecurringRun:
            current = await self._locked(unit, caller, identity)
            changed = with_enabled(current, enabled, now)
            if changed is not current:
                await store.update(unit.connection, changed)
            return changed

        return await self._database.transact(work)

    async def delete(self, caller: Access, identity: UUID) -> None:
        """Delete a recurring run; its runs stay."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def next_slots(self, caller: Access, identity: UUID, count: int) -> tuple[datetime, ...]:
        """The next slots, from now on."""
        recurring_run = await self.get(caller, identity)
        since = max(recurring_run.since, await self._database.time())
        return tuple(islice(recurring_run.slots.after(since), count))

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> StoredRecurringRun:
        """The recurring run, locked until the transaction ends, if the caller can change it."""
        known = await store.by_id(unit.connection, identity, caller.visible, lock=True)
        recurring_run = _found(known, identity)
        require_role(caller, Role.EDITOR, recurring_run.definition.namespace)
        return recurring_run

    async def _checked(
        self, recurring_run: StoredRecurringRun, now: datetime
    ) -> RecurringRunDefinition:
        """The definition, with a package replaced by the spec in it.

        Raises:
            RejectedError: its runs would not be accepted now.
        """
        request, slot = submission_for(recurring_run, now)
        await self._submissions.check(request, slot)
        document = await included_document_of(request)
        if document is None:
            return recurring_run.definition
        return recurring_run.definition.model_copy(
            update={"pipeline_spec": stored_form(document), "package": None}
        )


async def _with_experiment(
    unit: Unit, definition: RecurringRunDefinition, now: datetime
) -> RecurringRunDefinition:
    """The definition with the id and the name of its experiment, which is created if needed."""
    experiment = await find_or_create_experiment(
        unit, definition.namespace, definition.experiment_id, definition.experiment, now
    )
    return definition.model_copy(
        update={"experiment_id": experiment.experiment_id, "experiment": experiment.display_name}
    )


def _found(recurring_run: StoredRecurringRun | None, identity: UUID) -> StoredRecurringRun:
    return found(recurring_run, f"there is no recurring run {identity}", "recurring_run_id")

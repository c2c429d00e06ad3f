"""Reads and changes accepted runs. Each operation checks the run and publishes an event.

The api stores whether a run has ended. Whether it waits, runs or is paused, only the scheduler
decides.
A request that arrives while a run ends has no effect.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.ids import derived_event_id
from headrace_contracts.messages.events import (
    RunArchived,
    RunCancelRequested,
    RunDeleted,
    RunPauseRequested,
    RunResumeRequested,
    RunRetryRequested,
    RunUnarchived,
)
from headrace_contracts.states import RunState
from headrace_runtime.access import require_role
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.errors import conflict, found
from headrace_api.experiments import store as experiment_store
from headrace_api.runs import store
from headrace_api.runs.store import StoredRun


class Runs:
    """Accepted runs.

    Every change needs the role EDITOR in the run's namespace. Raises `RejectedError` when the
    caller cannot see or change the run, or when its state does not allow the operation.
    """

    def __init__(self, database: Database, objects: ObjectStore, space: SpaceReserve) -> None:
        self._database = database
        self._objects = objects
        self._space = space

    async def get(self, caller: Access, run_id: UUID) -> StoredRun:
        """One run."""
        async with self._database.read() as connection:
            run = await store.run_by_id(connection, run_id, caller.visible)
        return found(run, _no_run(run_id), "run_id")

    async def document(self, caller: Access, run_id: UUID) -> bytes:
        """The frozen spec of a run, as JSON."""
        run = await self.get(caller, run_id)
        return await self._objects.get(run.submission.spec.key)

    async def cancel(
        self, caller: Access, run_id: UUID, reason: str, *, force: bool = False
    ) -> None:
        """Cancel a run; `force` cancels its exit tasks too. A canceled run stays as it is."""

        def publish(unit: Unit, run: StoredRun) -> None:
            if run.state is not RunState.CANCELED:
                _check_active(run, "canceled")
                unit.publish(RunCancelRequested(run_id=run_id, reason=reason, force=force))

        await self._change(caller, run_id, publish)

    async def pause(self, caller: Access, run_id: UUID) -> None:
        """Pause a run: running tasks finish, no new tasks start."""

        def publish(unit: Unit, run: StoredRun) -> None:
            _check_active(run, "paused")
            unit.publish(RunPauseRequested(run_id=run_id))

        await self._change(caller, run_id, publish)

    async def resume(self, caller: Access, run_id: UUID) -> None:
        """Resume a paused run."""

        def publish(unit: Unit, run: StoredRun) -> None:
            _check_active(run, "resumed")
            unit.publish(RunResumeRequested(run_id=run_id))

        await self._change(caller, run_id, publish)

    async def retry(self, caller: Access, run_id: UUID) -> None:
        """Retry a failed or canceled run, keeping tasks that succeeded. Requests that are repeated
        before the scheduler retries the run are one request."""

        def publish(unit: Unit, run: StoredRun) -> None:
            if run.state not in (RunState.FAILED, RunState.CANCELED):
                state = "has succeeded" if run.state is RunState.SUCCEEDED else "has not ended"
                raise conflict(
                    f"run {run_id} {state}; only a failed or canceled run can be retried"
                )
            self._space.require()
            event = RunRetryRequested(run_id=run_id)
            unit.publish(event, derived_event_id(event.type, run_id, run.revision))

        await self._change(caller, run_id, publish)

    async def archive(self, caller: Access, run_id: UUID) -> None:
        """Archive a run; an active run continues."""

        now = await self._database.time()

        async def work(unit: Unit) -> None:
            run = await self._locked(unit, caller, run_id)
            if not run.archived:
                await store.set_archived(unit.connection, run_id, now)
                unit.publish(RunArchived(run_id=run_id))

        await self._database.transact(work)

    async def unarchive(self, caller: Access, run_id: UUID) -> None:
        """Restore an archived run, unless its experiment is archived."""

        async def work(unit: Unit) -> None:
            run = await self._locked(unit, caller, run_id)
            if run.archived:
                await _check_experiment_not_archived(unit, run)
                await store.set_archived(unit.connection, run_id, None)
                unit.publish(RunUnarchived(run_id=run_id))

        await self._database.transact(work)

    async def delete(self, caller: Access, run_id: UUID) -> None:
        """Delete a run and all that it produced; an active run is stopped."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, run_id)
            await store.delete_run(unit.connection, run_id)
            publish_deleted(unit, run_id)

        await self._database.transact(work)

    async def _change(
        self, caller: Access, run_id: UUID, publish: Callable[[Unit, StoredRun], None]
    ) -> None:
        """Let `publish` check a run and stage an event; the run is locked meanwhile."""

        async def work(unit: Unit) -> None:
            publish(unit, await self._locked(unit, caller, run_id))

        await self._database.transact(work)

    async def _locked(self, unit: Unit, caller: Access, run_id: UUID) -> StoredRun:
        """The run, locked until the transaction ends, if the caller can change it."""
        known = await store.run_by_id(unit.connection, run_id, caller.visible, lock=True)
        run = found(known, _no_run(run_id), "run_id")
        require_role(caller, Role.EDITOR, run.submission.namespace)
        return run


def publish_deleted(unit: Unit, run_id: UUID) -> None:
    """Stage the event that a run was deleted. Its id is derived: repeats are one event."""
    event = RunDeleted(run_id=run_id)
    unit.publish(event, derived_event_id(event.type, run_id))


async def _check_experiment_not_archived(unit: Unit, run: StoredRun) -> None:
    submission = run.submission
    experiment = await experiment_store.by_id(
        unit.connection, submission.experiment_id, (submission.namespace,)
    )
    if experiment is not None and experiment.archived:
        raise conflict(f"experiment {experiment.display_name!r} is archived; unarchive it first")


def _check_active(run: StoredRun, operation: str) -> None:
    if run.state.final:
        raise conflict(
            f"run {run.submission.run_id} has ended as {run.state} and cannot be {operation}"
        )


def _no_run(run_id: UUID) -> str:
    return f"there is no run {run_id}"

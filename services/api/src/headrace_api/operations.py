"""What can be done with a run that was accepted: each operation is a check and an event. All need
the role EDITOR in the run's namespace.

Whether a run waits, runs or pauses is the scheduler's to know; the api knows whether it has ended.
So a request for a pause may reach a run that is just ending, and then has no effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.events import (
    RunArchived,
    RunCancelRequested,
    RunDeleted,
    RunPauseRequested,
    RunResumeRequested,
    RunRetryRequested,
    RunUnarchived,
)
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.states import RunState
from headrace_runtime.access import require
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database, Unit

from headrace_api import experiment_store, store
from headrace_api.store import KnownRun


class Operations:
    """Changes runs. Raises `RejectedError` for a run that the caller does not see or may not
    change, or one in the wrong state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cancel(
        self, caller: Access, run_id: UUID, reason: str, *, force: bool = False
    ) -> None:
        """Ask it to stop; by force, its exit tasks too. Canceled already: no effect."""

        async def work(unit: Unit, run: KnownRun) -> None:
            if run.state is RunState.CANCELED:
                return
            _refuse_ended(run, "canceled")
            unit.publish(RunCancelRequested(run_id=run_id, reason=reason, force=force))

        await self._with_run(caller, run_id, work)

    async def pause(self, caller: Access, run_id: UUID) -> None:
        """Ask that it start nothing new."""

        async def work(unit: Unit, run: KnownRun) -> None:
            _refuse_ended(run, "paused")
            unit.publish(RunPauseRequested(run_id=run_id))

        await self._with_run(caller, run_id, work)

    async def resume(self, caller: Access, run_id: UUID) -> None:
        """Ask that it go on."""

        async def work(unit: Unit, run: KnownRun) -> None:
            _refuse_ended(run, "resumed")
            unit.publish(RunResumeRequested(run_id=run_id))

        await self._with_run(caller, run_id, work)

    async def retry(self, caller: Access, run_id: UUID) -> None:
        """Ask that it go on from what has succeeded. Repeats before it does are one request."""

        async def work(unit: Unit, run: KnownRun) -> None:
            if run.state not in (RunState.FAILED, RunState.CANCELED):
                stands = "has succeeded" if run.state is RunState.SUCCEEDED else "has not ended"
                raise _conflict(
                    f"run {run_id} {stands}; only a failed or canceled run can be retried"
                )
            event = RunRetryRequested(run_id=run_id)
            unit.publish(event, derived_event_id(event.type, run_id, run.revision))

        await self._with_run(caller, run_id, work)

    async def archive(self, caller: Access, run_id: UUID) -> None:
        """Put it out of sight; it goes on if it runs."""

        async def work(unit: Unit, run: KnownRun) -> None:
            if not run.archived:
                await store.set_archived(unit.connection, run_id, datetime.now(UTC))
                unit.publish(RunArchived(run_id=run_id))

        await self._with_run(caller, run_id, work)

    async def unarchive(self, caller: Access, run_id: UUID) -> None:
        """Bring it back into sight, unless its experiment is out of sight."""

        async def work(unit: Unit, run: KnownRun) -> None:
            if run.archived:
                submission = run.submission
                experiment = await experiment_store.by_id(
                    unit.connection, submission.experiment_id, (submission.namespace,)
                )
                if experiment is not None and experiment.archived:
                    raise _conflict(
                        f"experiment {experiment.display_name!r} is archived; unarchive it first"
                    )
                await store.set_archived(unit.connection, run_id, None)
                unit.publish(RunUnarchived(run_id=run_id))

        await self._with_run(caller, run_id, work)

    async def delete(self, caller: Access, run_id: UUID) -> None:
        """Delete it and all that it made; if it runs, it is stopped."""

        async def work(unit: Unit, _: KnownRun) -> None:
            await store.delete_run(unit.connection, run_id)
            publish_deleted(unit, run_id)

        await self._with_run(caller, run_id, work)

    async def _with_run(
        self, caller: Access, run_id: UUID, change: Callable[[Unit, KnownRun], Awaitable[None]]
    ) -> None:
        async def work(unit: Unit) -> None:
            run = await store.run_by_id(unit.connection, run_id, caller.visible, lock=True)
            if run is None:
                raise RejectedError.because(
                    RejectionCode.NOT_FOUND, f"there is no run {run_id}", "run_id"
                )
            require(caller, Role.EDITOR, run.submission.namespace)
            await change(unit, run)

        await self._database.transact(work)


def publish_deleted(unit: Unit, run_id: UUID) -> None:
    """Tell that a run is gone; it is told once, whoever deletes it."""
    event = RunDeleted(run_id=run_id)
    unit.publish(event, derived_event_id(event.type, run_id))


def _refuse_ended(run: KnownRun, what: str) -> None:
    if run.state.final:
        raise _conflict(
            f"run {run.submission.run_id} has ended as {run.state} and cannot be {what}"
        )


def _conflict(message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.CONFLICT, message)

"""Archives the runs of archived experiments, and disables their recurring runs.

An experiment may have hundreds of thousands of runs, so they are archived in batches, each in a
transaction of its own. A loop in every replica continues what a request did not finish.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace_contracts.messages.events import RunArchived
from headrace_runtime.loops import repeat
from headrace_runtime.pg.database import Database, Unit

from headrace_api.experiments import store

RUNS_PER_TRANSACTION = 200
"""Some 100 ms, so that operations on the same runs hardly wait."""
_PAUSE_SECONDS = 5.0


class ExperimentArchiving:
    """Archives the runs of archived experiments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Sweep forever."""

        await repeat("archiving", self.sweep, _PAUSE_SECONDS)

    async def sweep(self) -> None:
        """Archive the runs of every experiment that has runs still to be archived."""
        async with self._database.read() as connection:
            pending = await store.with_pending_runs(connection)
        for identity in pending:
            await self.archive_runs(identity)

    async def archive_runs(self, identity: UUID, max_batches: int | None = None) -> None:
        """Archive the runs of an archived experiment, in up to `max_batches` batches. Its recurring
        runs are disabled first, so that they add no runs meanwhile."""
        now = await self._database.time()

        async def disable(unit: Unit) -> None:
            if await store.hold_pending_runs(unit.connection, identity):
                await store.disable_recurring_runs(unit.connection, identity, now)

        await self._database.transact(disable)
        batches, after = 0, None
        while max_batches is None or batches < max_batches:
            after = await self._archive_batch(identity, after, now)
            batches += 1
            if after is None:
                return

    async def _archive_batch(
        self, identity: UUID, after: UUID | None, now: datetime
    ) -> UUID | None:
        """Archive the runs that follow `after`; returns the last one, None when no more follow."""

        async def work(unit: Unit) -> UUID | None:
            if not await store.hold_pending_runs(unit.connection, identity):
                return None  # the experiment was unarchived or deleted meanwhile
            run_ids = await store.archive_runs(
                unit.connection, identity, after, now, RUNS_PER_TRANSACTION
            )
            for run_id in run_ids:
                unit.publish(RunArchived(run_id=run_id))
            if len(run_ids) == RUNS_PER_TRANSACTION:
                return run_ids[-1]
            await store.runs_are_archived(unit.connection, identity)
            return None

        return await self._database.transact(work)

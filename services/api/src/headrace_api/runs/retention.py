"""Retention: archives ended runs, and deletes archived runs, after the times in the settings."""

from __future__ import annotations

from datetime import datetime, timedelta

from headrace_contracts.messages.events import RunArchived
from headrace_runtime.loops import repeat
from headrace_runtime.pg.database import Database, Unit

from headrace_api.experiments.archiving import RUNS_PER_TRANSACTION
from headrace_api.runs import store
from headrace_api.runs.service import publish_deleted

_PAUSE_SECONDS = 600.0


class Retention:
    """Archives and deletes old runs, in batches. A time of None disables the step."""

    def __init__(
        self, database: Database, archive_after: timedelta | None, delete_after: timedelta | None
    ) -> None:
        self._database = database
        self._archive_after = archive_after
        self._delete_after = delete_after

    async def run(self) -> None:
        """Sweep forever."""

        async def sweep() -> bool:
            return await self.sweep(await self._database.time()) > 0

        await repeat("retention", sweep, _PAUSE_SECONDS)

    async def sweep(self, now: datetime) -> int:
        """One batch of each step; returns how many runs were archived or deleted."""
        archived = deleted = 0
        if self._archive_after is not None:
            archived = await self._archive(now - self._archive_after, now)
        if self._delete_after is not None:
            deleted = await self._delete(now - self._delete_after)
        return archived + deleted

    async def _archive(self, before: datetime, now: datetime) -> int:
        async def work(unit: Unit) -> int:
            run_ids = await store.archive_ended_runs(
                unit.connection, before, now, RUNS_PER_TRANSACTION
            )
            for run_id in run_ids:
                unit.publish(RunArchived(run_id=run_id))
            return len(run_ids)

        return await self._database.transact(work)

    async def _delete(self, before: datetime) -> int:
        async def work(unit: Unit) -> int:
            run_ids = await store.delete_archived_runs(
                unit.connection, before, RUNS_PER_TRANSACTION
            )
            for run_id in run_ids:
                publish_deleted(unit, run_id)
            return len(run_ids)

        return await self._database.transact(work)

"""Retention: ended runs go out of sight after a while, and archived ones are deleted later."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from headrace_contracts.events import RunArchived
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit

from headrace_api import store
from headrace_api.operations import publish_deleted

BATCH = 200
"""Runs in one transaction: some 100 ms, so that operations on the same runs hardly wait."""
_EVERY_SECONDS = 600.0


class Retention:
    """Applies what is set. None leaves runs alone."""

    def __init__(
        self, database: Database, archive_after: timedelta | None, delete_after: timedelta | None
    ) -> None:
        self._database = database
        self._archive_after = archive_after
        self._delete_after = delete_after

    async def run(self) -> None:
        """Look again every ten minutes."""
        while True:
            try:
                while await self.sweep(datetime.now(UTC)):
                    pass
            except RetryableError as error:
                get_logger().warning("retention_postponed", error=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def sweep(self, now: datetime) -> int:
        """One batch of each kind; returns how many runs were archived or deleted."""
        archived = deleted = 0
        if self._archive_after is not None:
            archived = await self._archive(now - self._archive_after, now)
        if self._delete_after is not None:
            deleted = await self._delete(now - self._delete_after)
        return archived + deleted

    async def _archive(self, before: datetime, now: datetime) -> int:
        async def work(unit: Unit) -> int:
            found = await store.archive_ended(unit.connection, before, now, BATCH)
            for run_id in found:
                unit.publish(RunArchived(run_id=run_id))
            return len(found)

        return await self._database.transact(work)

    async def _delete(self, before: datetime) -> int:
        async def work(unit: Unit) -> int:
            found = await store.delete_archived(unit.connection, before, BATCH)
            for run_id in found:
                publish_deleted(unit, run_id)
            return len(found)

        return await self._database.transact(work)

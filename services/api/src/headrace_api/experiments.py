"""Experiments: how they are made, and how their runs follow them out of sight.

An experiment may have hundreds of thousands of runs, so they are archived in batches, each in a
transaction of its own. What is cut off in between is taken up by the loop, in any replica.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.events import RunArchived
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Experiment
from headrace_runtime.access import require
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit

from headrace_api import experiment_store, store
from headrace_api.answers import DEFAULT_NAMESPACE, found
from headrace_api.once import RequestKey, once
from headrace_api.submissions import DEFAULT_EXPERIMENT, create_experiment

BATCH = 200
"""Runs in one transaction, as with retention: some 100 ms."""
_AT_ONCE = 10
"""Batches before a request is answered; the loop does the rest."""
_EVERY_SECONDS = 5.0


class Experiments:
    """Keeps experiments. Raises `RejectedError` for what cannot be, and what the caller does not
    see or may not change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        caller: Access,
        namespace: str,
        display_name: str,
        description: str,
        key: RequestKey | None = None,
    ) -> Experiment:
        """A new experiment; with a key, one for all its repeats."""
        require(caller, Role.EDITOR, namespace)
        now = datetime.now(UTC)

        async def work(unit: Unit) -> Experiment | None:
            return await once(
                unit,
                key,
                (namespace, "experiment"),
                lambda: create_experiment(unit, namespace, display_name, description, now),
                lambda made: experiment_store.by_id(unit.connection, made, caller.visible),
                lambda made: made.experiment_id,
            )

        made = await self._database.transact(work)
        if made is None:
            raise _conflict(f"there is an experiment {display_name!r} already", "display_name")
        return made

    async def get(self, caller: Access, identity: UUID) -> Experiment:
        """One of them."""
        async with self._database.read() as connection:
            known = await experiment_store.by_id(connection, identity, caller.visible)
        return found(known, _unknown(identity))

    async def archive(self, caller: Access, identity: UUID) -> Experiment:
        """Put it out of sight, its runs too, and disable its recurring runs."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await experiment_store.archive(unit.connection, identity, datetime.now(UTC))

        await self._database.transact(work)
        await self._settle(identity, _AT_ONCE)
        return await self.get(caller, identity)

    async def unarchive(self, caller: Access, identity: UUID) -> Experiment:
        """Bring it back into sight; its runs and recurring runs stay as they are."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await experiment_store.unarchive(unit.connection, identity)

        await self._database.transact(work)
        return await self.get(caller, identity)

    async def delete(self, caller: Access, identity: UUID) -> None:
        """Delete it; its runs and recurring runs stay."""

        async def work(unit: Unit) -> None:
            experiment = await self._locked(unit, caller, identity)
            if experiment.display_name == DEFAULT_EXPERIMENT:
                raise _conflict(f"the experiment {DEFAULT_EXPERIMENT!r} cannot be deleted")
            await experiment_store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def prepare(self) -> None:
        """Make the experiment that runs without one belong to, where KFP's clients look for it."""

        async def work(unit: Unit) -> None:
            now = datetime.now(UTC)
            await create_experiment(unit, DEFAULT_NAMESPACE, DEFAULT_EXPERIMENT, "", now)

        await self._database.transact(work)

    async def run(self) -> None:
        """Take up for ever what was cut off."""
        while True:
            try:
                await self.sweep()
            except RetryableError as error:
                get_logger().warning("archiving_postponed", error=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def sweep(self) -> None:
        """Archive the runs of every experiment where that is still to be done."""
        async with self._database.read() as connection:
            pending = await experiment_store.pending(connection)
        for identity in pending:
            await self._settle(identity)

    async def _settle(self, identity: UUID, batches: int | None = None) -> None:
        """Archive the runs of an archived experiment, batch by batch, until none or only so many
        are left. Its recurring runs come first, so that no run comes of them any more."""
        now = datetime.now(UTC)

        async def disable(unit: Unit) -> None:
            if await experiment_store.still_pending(unit.connection, identity):
                await experiment_store.disable_recurring(unit.connection, identity, now)

        await self._database.transact(disable)
        done, after = 0, None
        while batches is None or done < batches:
            after = await self._archive_some(identity, after, now)
            done += 1
            if after is None:
                return

    async def _archive_some(self, identity: UUID, after: UUID | None, now: datetime) -> UUID | None:
        """One batch of runs after one of them; returns the last, None when there are no more."""

        async def work(unit: Unit) -> UUID | None:
            if not await experiment_store.still_pending(unit.connection, identity):
                return None  # brought back into sight meanwhile, or deleted
            runs = await experiment_store.runs_in_sight(unit.connection, identity, after, BATCH)
            await store.archive_runs(unit.connection, runs, now)
            for run_id in runs:
                unit.publish(RunArchived(run_id=run_id))
            if len(runs) == BATCH:
                return runs[-1]
            await experiment_store.archive_done(unit.connection, identity)
            return None

        return await self._database.transact(work)

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> Experiment:
        """One of them, for a change of it by the caller."""
        known = await experiment_store.by_id(unit.connection, identity, caller.visible, lock=True)
        experiment = found(known, _unknown(identity))
        require(caller, Role.EDITOR, experiment.namespace)
        return experiment


def _unknown(identity: UUID) -> str:
    return f"there is no experiment {identity}"


def _conflict(message: str, field: str | None = None) -> RejectedError:
    return RejectedError.because(RejectionCode.CONFLICT, message, field)

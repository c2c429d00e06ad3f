"""Every event in: kept, folded into what is shown, and announced."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from uuid import UUID

import nats.errors
from headrace_contracts.events import Event
from headrace_contracts.subjects import RECORDER_EVENTS, live_run
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_recorder import lineage, store
from headrace_recorder.core.projection import Rows, fold, show, touched, with_open_tasks
from headrace_recorder.deletion import Deletion
from headrace_recorder.store import Heard

Change = tuple[UUID, int, str]
_OVERDUE_SECONDS = 60.0


class Handlers:
    """The recorder's ear."""

    def __init__(self, database: Database, bus: Bus, objects: ObjectStore) -> None:
        self._database = database
        self._bus = bus
        self._deletion = Deletion(objects)

    async def handle(self, batch: list[Received[Event]]) -> None:
        """Record a batch, then say which runs look different now."""
        changes = await self._database.transact(lambda unit: self._record(unit, batch))
        await self._announce(changes)

    async def _announce(self, changes: list[Change]) -> None:
        for run_id, version, state in changes:
            news = {"run_id": str(run_id), "version": version, "state": state}
            try:
                await self._bus.client.publish(live_run(run_id), json.dumps(news).encode())
            except (nats.errors.Error, OSError):
                get_logger().warning("announcement_lost")  # watchers look again by themselves

    async def _record(self, unit: Unit, batch: list[Received[Event]]) -> list[Change]:
        connection = unit.connection
        fresh = await unit.admit(RECORDER_EVENTS.durable, [received.id for received in batch])
        heard = list(
            {
                r.id: (r.id, r.message, r.attributes.told_at(datetime.now(UTC)))
                for r in batch
                if r.id in fresh
            }.values()
        )
        if not heard:
            return []
        await store.append(connection, heard)
        return await self._project(unit, heard)

    async def _project(self, unit: Unit, heard: list[Heard]) -> list[Change]:
        run_ids: set[UUID] = set()
        task_ids: set[UUID] = set()
        for _, event, _ in heard:
            run_id, tasks = touched(event)
            if run_id is not None:
                run_ids.add(run_id)
                task_ids.update(tasks)
        rows = await store.rows(unit.connection, run_ids, task_ids)
        fold(rows, [(event, at) for _, event, at in heard])
        runs, changed = rows
        await self._show(unit, rows)
        gone = {run_id for run_id, run in runs.items() if run.deleted}
        kept = [task for task in changed.values() if task.run_id not in gone]
        versions = await store.save(unit.connection, list(runs.values()), kept)
        await lineage.save(
            unit.connection, [one for one in heard if getattr(one[1], "run_id", None) not in gone]
        )
        if gone:
            await self._deletion.delete(unit.connection, [runs[run_id] for run_id in gone])
        return [(run_id, version, runs[run_id].state.value) for run_id, version in versions.items()]

    async def _show(self, unit: Unit, rows: Rows) -> None:
        runs, tasks = rows
        ending = [run.run_id for run in runs.values() if run.latest.final]
        open_runs = with_open_tasks(tasks.values())
        if ending:
            open_runs |= await store.with_open_tasks(unit.connection, ending, list(tasks))
        show(runs.values(), open_runs)

    async def show_overdue(self) -> None:
        """For ever: show the end of runs of which a task's end has not come within a minute."""
        while True:
            await asyncio.sleep(_OVERDUE_SECONDS / 4)
            try:
                changes = await self._database.transact(
                    lambda unit: store.show_overdue(unit.connection, _OVERDUE_SECONDS)
                )
            except RetryableError as error:
                get_logger().warning("overdue_postponed", error=str(error))
                continue
            await self._announce(changes)

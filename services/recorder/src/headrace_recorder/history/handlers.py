"""Records events: appends them to the history, projects them onto rows, and announces changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import nats.errors
from headrace_contracts.messages.events import Event, RunDeleted, RunSubmitted
from headrace_contracts.messages.subjects import RECORDER_EVENTS, live_run
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Received
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import repeat
from headrace_runtime.pg.database import Database, Unit

from headrace_recorder.core.projection import (
    affected,
    fold,
    runs_with_open_tasks,
    set_shown_states,
)
from headrace_recorder.core.rows import RecordedEvent, Rows
from headrace_recorder.history import store
from headrace_recorder.lineage import store as lineage_store
from headrace_recorder.metrics import store as metrics_store
from headrace_recorder.retention.deletion import Deletion
from headrace_recorder.runs import store as run_store

Change = tuple[UUID, int, str]
"""A run's id, its new version and its shown state."""
_OVERDUE_SECONDS = 60.0
"""How long the end of a run waits for the ends of its tasks."""


class EventRecorder:
    """Handles every event on the bus."""

    def __init__(self, database: Database, bus: Bus, deletion: Deletion) -> None:
        self._database = database
        self._bus = bus
        self._deletion = deletion

    async def handle(self, batch: list[Received[Event]]) -> None:
        """Record a batch, then announce the runs that changed."""
        changes = await self._database.transact(lambda unit: self._record(unit, batch))
        if any(isinstance(received.message, RunDeleted) for received in batch):
            self._deletion.wake()
        await self._announce(changes)

    async def _announce(self, changes: list[Change]) -> None:
        for run_id, version, state in changes:
            content = {"run_id": str(run_id), "version": version, "state": state}
            try:
                await self._bus.client.publish(live_run(run_id), json.dumps(content).encode())
            except (nats.errors.Error, OSError):
                get_logger().warning("announcement_lost")  # watchers also poll

    async def _record(self, unit: Unit, batch: list[Received[Event]]) -> list[Change]:
        new = await unit.admit(RECORDER_EVENTS.durable, [received.id for received in batch])
        now = datetime.now(UTC)
        events = [
            RecordedEvent(received.id, received.message, received.attributes.occurred_at(now))
            for received in batch
            if received.id in new
        ]
        recorded = list({event.event_id: event for event in events}.values())
        if not recorded:
            return []
        await store.append(unit.connection, recorded)
        return await self._project(unit, recorded)

    async def _project(self, unit: Unit, recorded: list[RecordedEvent]) -> list[Change]:
        """Apply the events to the rows of their runs and tasks. A deleted run keeps only its own
        row, whatever is received about it later."""
        connection = unit.connection
        run_ids: set[UUID] = set()
        task_ids: set[UUID] = set()
        for _, event, _ in recorded:
            run_id, affected_tasks = affected(event)
            if run_id is not None:
                run_ids.add(run_id)
                task_ids.update(affected_tasks)
        rows = await run_store.lock(connection, run_ids, task_ids)
        fold(rows, [(event, at) for _, event, at in recorded])
        runs, tasks = rows
        await self._set_shown_states(unit, rows)
        deleted = [run_id for run_id, run in runs.items() if run.deleted]
        versions = await run_store.save(
            connection,
            list(runs.values()),
            [task for task in tasks.values() if task.run_id not in deleted],
        )
        await self._save_details([one for one in recorded if one.run_id not in deleted], unit)
        if deleted:
            await self._deletion.delete_rows(connection, deleted)
        return [(run_id, version, runs[run_id].state.value) for run_id, version in versions.items()]

    async def _save_details(self, recorded: list[RecordedEvent], unit: Unit) -> None:
        await lineage_store.save(unit.connection, recorded)
        await metrics_store.save(unit.connection, recorded)
        submitted = [one.event.run_id for one in recorded if isinstance(one.event, RunSubmitted)]
        if submitted:
            await store.set_missing_namespaces(unit.connection, submitted)

    async def _set_shown_states(self, unit: Unit, rows: Rows) -> None:
        runs, tasks = rows
        ended = [run.run_id for run in runs.values() if run.latest.final]
        open_runs = runs_with_open_tasks(tasks.values())
        if ended:
            open_runs |= await run_store.runs_with_open_tasks(unit.connection, ended, list(tasks))
        set_shown_states(runs.values(), open_runs)

    async def show_overdue_ends(self) -> None:
        """Until cancelled: show runs as ended whose tasks' last events are more than a minute late,
        perhaps because they are in the dead letter queue."""

        async def show() -> None:
            await self._announce(
                await self._database.transact(
                    lambda unit: run_store.show_overdue_ends(unit.connection, _OVERDUE_SECONDS)
                )
            )

        await repeat("overdue_ends", show, _OVERDUE_SECONDS / 4, pause_first=True)

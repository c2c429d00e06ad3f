"""The recorder's slice of Postgres: rows in and out, a fixed number of statements a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.events import Event, TaskReady, TaskSucceeded
from headrace_contracts.states import RunState, TaskState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.projection import RunRow, TaskRow

_QUERIES = load_queries("headrace_recorder")
METRICS_TYPE = "system.Metrics"

Heard = tuple[str, Event, datetime]
"""An event's id, the event, and when it was told."""


async def append(connection: Connection, heard: Sequence[Heard]) -> None:
    """Keep what happened."""
    await connection.execute(
        _QUERIES["append_history"],
        [event_id for event_id, _, _ in heard],
        [getattr(event, "run_id", None) for _, event, _ in heard],
        [event.type for _, event, _ in heard],
        [at for _, _, at in heard],
        [event for _, event, _ in heard],
    )


async def rows(
    connection: Connection, run_ids: Collection[UUID], task_ids: Collection[UUID]
) -> tuple[dict[UUID, RunRow], dict[UUID, TaskRow]]:
    """The known rows of these runs, locked, and of these tasks."""
    runs = await connection.fetch(_QUERIES["lock_runs"], list(run_ids))
    tasks = await connection.fetch(_QUERIES["read_tasks"], list(task_ids))
    return {r["run_id"]: _run(r) for r in runs}, {t["task_id"]: _task(t) for t in tasks}


async def save(
    connection: Connection, runs: Sequence[RunRow], tasks: Sequence[TaskRow]
) -> dict[UUID, int]:
    """Write changed rows; returns each run's new version."""
    written = await connection.fetch(
        _QUERIES["upsert_runs"],
        [run.run_id for run in runs],
        *(
            [getattr(run, name) for run in runs]
            for name in (
                "state", "revision", "submission", "history", "failure", "outputs", "archived",
                "archived_at", "deleted", "latest",
            )
        ),
    )  # fmt: skip
    versions = {row["run_id"]: row["version"] for row in written}
    if tasks:
        await connection.execute(
            _QUERIES["upsert_tasks"],
            [task.task_id for task in tasks],
            [task.run_id for task in tasks],
            [versions[task.run_id] for task in tasks],
            *(
                [getattr(task, name) for task in tasks]
                for name in (
                    "plan", "state", "attempt", "rank", "detail", "inputs", "inputs_attempt",
                    "outputs", "failure", "origin", "fingerprint", "log", "log_attempt",
                    "created_at", "started_at", "finished_at", "log_text",
                )
            ),
        )  # fmt: skip
    return versions


async def with_open_tasks(
    connection: Connection, run_ids: Collection[UUID], besides: Collection[UUID]
) -> set[UUID]:
    """Those of the runs of which a task has not been heard to end, `besides` these tasks."""
    found = await connection.fetch(_QUERIES["with_open_tasks"], list(run_ids), list(besides))
    return {row["run_id"] for row in found}


async def show_overdue(connection: Connection, seconds: float) -> list[tuple[UUID, int, str]]:
    """Show the ends that have waited for longer; gives each run with its version and state."""
    found = await connection.fetch(_QUERIES["show_overdue"], timedelta(seconds=seconds))
    return [(row["run_id"], row["version"], row["state"]) for row in found]


async def save_lineage(connection: Connection, heard: Sequence[Heard]) -> None:
    """Which task made and used which artifacts, and the numbers in metrics artifacts."""
    made = [
        (a.artifact_id, e.run_id, e.task_id, output, a.name, a.type.schema_title, a.uri,
         a.metadata, at)
        for _, e, at in heard
        if isinstance(e, TaskSucceeded)
        for output, artifacts in e.outputs.artifacts.items()
        for a in artifacts
        if a.artifact_id is not None
    ]  # fmt: skip
    used = [
        (event.run_id, event.task_id, artifact.artifact_id, name)
        for _, event, _ in heard
        if isinstance(event, TaskReady | TaskSucceeded) and event.inputs is not None
        for name, artifacts in event.inputs.artifacts.items()
        for artifact in artifacts
        if artifact.artifact_id is not None
    ]
    metrics = [
        (run_id, task_id, name, float(value))
        for _, run_id, task_id, _, _, title, _, metadata, _ in made
        if title == METRICS_TYPE
        for name, value in metadata.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    for query, found in (
        ("insert_artifacts", made),
        ("insert_uses", used),
        ("insert_metrics", metrics),
    ):
        if found:
            columns = [list(column) for column in zip(*found, strict=True)]
            await connection.execute(_QUERIES[query], *columns)


async def run_by_id(connection: ReadConnection, run_id: UUID) -> tuple[RunRow, int] | None:
    """A run and its version."""
    row = await connection.fetchrow(_QUERIES["run_by_id"], run_id)
    return None if row is None else (_run(row), row["version"])


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list has; None is any."""

    namespace: str | None = None
    experiment_id: UUID | None = None
    state: RunState | None = None
    archived: bool | None = None
    recurring_run_id: UUID | None = None


async def runs(
    connection: ReadConnection, wanted: RunFilter, after: tuple[datetime, UUID] | None, count: int
) -> tuple[list[tuple[RunRow, int]], int]:
    """A page of runs with their versions, and how many there are in all."""
    filters = astuple(wanted)
    moment, run_id = after or (None, None)
    found = await connection.fetch(_QUERIES["runs"], *filters, moment, run_id, count)
    total = await connection.fetchval(_QUERIES["count_runs"], *filters)
    return [(_run(row), row["version"]) for row in found], total


async def earlier_executions(
    connection: ReadConnection, component: str, task_id: UUID, namespace: str, pipeline: str
) -> list[dict[str, Any]]:
    """The latest executions of a component but this one, newest first."""
    found = await connection.fetch(
        _QUERIES["earlier_executions"], component, task_id, namespace, pipeline
    )
    return [dict(row) for row in found]


async def delete(connection: Connection, run_ids: Collection[UUID]) -> None:
    """Leave nothing of these runs but the mark that they were deleted."""
    for query in (
        "delete_tasks",
        "delete_artifacts",
        "delete_uses",
        "delete_metrics",
        "delete_history",
    ):
        await connection.execute(_QUERIES[query], list(run_ids))


async def tasks_of_run(connection: ReadConnection, run_id: UUID, since: int = 0) -> list[TaskRow]:
    """The tasks of a run that have changed since a version of it, all of them by default."""
    rows = await connection.fetch(_QUERIES["tasks_of_run"], run_id, since)
    return [_task(row) for row in rows]


async def task_by_id(connection: ReadConnection, run_id: UUID, task_id: UUID) -> TaskRow | None:
    """One task of a run."""
    row = await connection.fetchrow(_QUERIES["task_by_id"], run_id, task_id)
    return None if row is None else _task(row)


async def history_of_run(
    connection: ReadConnection, run_id: UUID, after: int, limit: int
) -> list[dict[str, Any]]:
    """What happened to a run."""
    found = await connection.fetch(_QUERIES["history_of_run"], run_id, after, limit)
    return [dict(row) for row in found]


def _run(row: Any) -> RunRow:
    values = {field.name: row[field.name] for field in fields(RunRow)}
    states = {"state": RunState(row["state"]), "latest": RunState(row["latest"])}
    return RunRow(**{**values, **states})


def _task(row: Any) -> TaskRow:
    values = {field.name: row[field.name] for field in fields(TaskRow)}
    return TaskRow(**{**values, "state": TaskState(row["state"])})

"""The recorder's slice of Postgres: rows in and out, a fixed number of statements a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.events import Event
from headrace_contracts.states import RunState, TaskState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.projection import RunRow, TaskRow

_QUERIES = load_queries("headrace_recorder")

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
    """The rows of these runs, locked, and the known ones of these tasks. A run that was not known
    has a row from here on: two who hear of it first, at one time, wait for each other."""
    runs = await connection.fetch(_QUERIES["lock_runs"], list(run_ids))
    if missing := set(run_ids) - {run["run_id"] for run in runs}:
        await connection.execute(_QUERIES["begin_runs"], list(missing))
        runs += await connection.fetch(_QUERIES["lock_runs"], list(missing))
    tasks = await connection.fetch(_QUERIES["read_tasks"], list(task_ids))
    return {r["run_id"]: run_row(r) for r in runs}, {t["task_id"]: task_row(t) for t in tasks}


async def save(
    connection: Connection, runs: Sequence[RunRow], tasks: Sequence[TaskRow]
) -> dict[UUID, int]:
    """Write changed rows; returns each run's new version."""
    written = await connection.fetch(
        _QUERIES["update_runs"],
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


async def run_by_id(
    connection: ReadConnection, run_id: UUID, visible: Sequence[str] | None
) -> tuple[RunRow, int] | None:
    """A run and its version, if it is in one of the `visible` namespaces; None is all of them."""
    row = await connection.fetchrow(_QUERIES["run_by_id"], run_id, visible)
    return None if row is None else (run_row(row), row["version"])


async def submissions(
    connection: ReadConnection, run_ids: Collection[UUID], visible: Sequence[str] | None
) -> list[dict[str, Any]]:
    """As what those of the runs were submitted that are in the `visible` namespaces."""
    found = await connection.fetch(_QUERIES["submissions"], list(run_ids), visible)
    return [row["submission"] for row in found]


async def metrics_of_runs(
    connection: ReadConnection, run_ids: Collection[UUID]
) -> dict[UUID, dict[str, float]]:
    """The numbers of some runs, by run and name."""
    metrics: dict[UUID, dict[str, float]] = {run_id: {} for run_id in run_ids}
    for row in await connection.fetch(_QUERIES["metrics_of_runs"], list(run_ids)):
        metrics[row["run_id"]][row["name"]] = row["value"]
    return metrics


async def earlier_executions(
    connection: ReadConnection, component: str, task_id: UUID, namespace: str, pipeline: str
) -> list[dict[str, Any]]:
    """The latest executions of a component but this one, newest first."""
    found = await connection.fetch(
        _QUERIES["earlier_executions"], component, task_id, namespace, pipeline
    )
    return [dict(row) for row in found]


async def tasks_of_run(connection: ReadConnection, run_id: UUID, since: int = 0) -> list[TaskRow]:
    """The tasks of a run that have changed since a version of it, all of them by default."""
    rows = await connection.fetch(_QUERIES["tasks_of_run"], run_id, since)
    return [task_row(row) for row in rows]


async def task_by_id(
    connection: ReadConnection, task_id: UUID, visible: Sequence[str] | None
) -> TaskRow | None:
    """One task, if it is in one of the `visible` namespaces; None is all of them."""
    row = await connection.fetchrow(_QUERIES["task_by_id"], task_id, visible)
    return None if row is None else task_row(row)


async def artifact_by_id(
    connection: ReadConnection, artifact_id: UUID, visible: Sequence[str] | None
) -> dict[str, Any] | None:
    """One artifact, if it is in one of the `visible` namespaces; None is all of them."""
    row = await connection.fetchrow(_QUERIES["artifact_by_id"], artifact_id, visible)
    return None if row is None else dict(row)


async def history_of_run(
    connection: ReadConnection, run_id: UUID, after: int, limit: int
) -> list[dict[str, Any]]:
    """What happened to a run."""
    found = await connection.fetch(_QUERIES["history_of_run"], run_id, after, limit)
    return [dict(row) for row in found]


def run_row(row: Any) -> RunRow:
    """A row of Postgres as a run."""
    values = {field.name: row[field.name] for field in fields(RunRow)}
    states = {"state": RunState(row["state"]), "latest": RunState(row["latest"])}
    return RunRow(**{**values, **states})


def task_row(row: Any) -> TaskRow:
    """A row of Postgres as a task."""
    values = {field.name: row[field.name] for field in fields(TaskRow)}
    return TaskRow(**{**values, "state": TaskState(row["state"])})

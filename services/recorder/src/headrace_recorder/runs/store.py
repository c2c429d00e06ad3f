"""The rows of runs and tasks in Postgres; the number of statements does not depend on the number
of rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.states import RunState, TaskState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.rows import RunRow, TaskRow

_QUERIES = load_queries("headrace_recorder.runs")


async def lock(
    connection: Connection, run_ids: Collection[UUID], task_ids: Collection[UUID]
) -> tuple[dict[UUID, RunRow], dict[UUID, TaskRow]]:
    """The rows of these runs, locked, and the existing rows of these tasks. Inserts missing run
    rows first, so that concurrent transactions about one new run wait for each other."""
    runs = await connection.fetch(_QUERIES["lock_runs"], list(run_ids))
    if missing := set(run_ids) - {run["run_id"] for run in runs}:
        await connection.execute(_QUERIES["insert_empty_runs"], list(missing))
        runs += await connection.fetch(_QUERIES["lock_runs"], list(missing))
    tasks = await connection.fetch(_QUERIES["read_tasks"], list(task_ids))
    return {r["run_id"]: run_row(r) for r in runs}, {t["task_id"]: task_row(t) for t in tasks}


async def save(
    connection: Connection, runs: Sequence[RunRow], tasks: Sequence[TaskRow]
) -> dict[UUID, int]:
    """Write changed rows; returns the new version of each run."""
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
                    "created_at", "started_at", "finished_at", "log_text", "place",
                )
            ),
        )  # fmt: skip
    return versions


async def runs_with_open_tasks(
    connection: Connection, run_ids: Collection[UUID], ignored_tasks: Collection[UUID]
) -> set[UUID]:
    """Those of the runs that have an unfinished task other than the ignored ones."""
    found = await connection.fetch(
        _QUERIES["runs_with_open_tasks"], list(run_ids), list(ignored_tasks)
    )
    return {row["run_id"] for row in found}


async def show_overdue_ends(connection: Connection, seconds: float) -> list[tuple[UUID, int, str]]:
    """Show runs as ended that ended more than `seconds` ago although tasks seem unfinished; returns
    each one's id, version and state."""
    found = await connection.fetch(_QUERIES["show_overdue_ends"], timedelta(seconds=seconds))
    return [(row["run_id"], row["version"], row["state"]) for row in found]


async def run_by_id(
    connection: ReadConnection, run_id: UUID, visible: Sequence[str] | None
) -> tuple[RunRow, int] | None:
    """A run and its version, if it is in one of the `visible` namespaces (None: in any)."""
    row = await connection.fetchrow(_QUERIES["run_by_id"], run_id, visible)
    return None if row is None else (run_row(row), row["version"])


async def submissions(
    connection: ReadConnection, run_ids: Collection[UUID], visible: Sequence[str] | None
) -> list[dict[str, Any]]:
    """The `run.submitted` of those runs, deleted ones included, that are in one of the `visible`
    namespaces (None: in any)."""
    found = await connection.fetch(_QUERIES["submissions"], list(run_ids), visible)
    return [row["submission"] for row in found]


async def tasks_of_run(connection: ReadConnection, run_id: UUID, since: int = 0) -> list[TaskRow]:
    """The tasks of a run that changed after its version `since`; by default all."""
    rows = await connection.fetch(_QUERIES["tasks_of_run"], run_id, since)
    return [task_row(row) for row in rows]


async def task_by_id(
    connection: ReadConnection, task_id: UUID, visible: Sequence[str] | None
) -> TaskRow | None:
    """A task, if it is in one of the `visible` namespaces (None: in any)."""
    row = await connection.fetchrow(_QUERIES["task_by_id"], task_id, visible)
    return None if row is None else task_row(row)


def run_row(row: Any) -> RunRow:
    """A run from a database row."""
    values = {field.name: row[field.name] for field in fields(RunRow)}
    states = {"state": RunState(row["state"]), "latest": RunState(row["latest"])}
    return RunRow(**{**values, **states})


def task_row(row: Any) -> TaskRow:
    """A task from a database row."""
    values = {field.name: row[field.name] for field in fields(TaskRow)}
    return TaskRow(**{**values, "state": TaskState(row["state"])})

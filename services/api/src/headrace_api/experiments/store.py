"""Experiments in Postgres. When one is archived, its runs and recurring runs are changed too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headrace_contracts.ids import new_id
from headrace_contracts.resources import Experiment, ExperimentPage
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.stores import AnyConnection, Scope, read_page

_QUERIES = load_queries("headrace_api.experiments")
_NO_RUN = datetime.fromtimestamp(0, UTC)
"""The sort value of experiments without runs: 'epoch' in the SQL of the list."""


async def create(
    connection: Connection, namespace: str, name: str, description: str, now: datetime
) -> Experiment | None:
    """Insert an experiment; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_experiment"], new_id(), namespace, name, description, now
    )
    return None if row is None else _experiment(row)


async def by_name(connection: AnyConnection, namespace: str, name: str) -> Experiment | None:
    """The experiment with this name."""
    row = await connection.fetchrow(_QUERIES["experiment_by_name"], namespace, name)
    return None if row is None else _experiment(row)


async def by_id(
    connection: AnyConnection, identity: UUID, scope: Scope, *, lock: bool = False
) -> Experiment | None:
    """The experiment with this id; with `lock`, locked until the transaction ends."""
    query = _QUERIES["lock_experiment" if lock else "experiment_by_id"]
    row = await connection.fetchrow(query, identity, scope)
    return None if row is None else _experiment(row)


async def page(connection: ReadConnection, page: Page) -> ExperimentPage:
    """A page of experiments."""
    rows, rest = await read_page(connection, page, _QUERIES, "experiments")
    return ExperimentPage(experiments=tuple(_experiment(row) for row in rows), **rest)


async def archive(connection: Connection, identity: UUID, now: datetime) -> None:
    """Archive an experiment, and mark its runs as still to be archived."""
    await connection.execute(_QUERIES["archive_experiment"], identity, now)


async def unarchive(connection: Connection, identity: UUID) -> None:
    """Restore an experiment, and stop the archiving of its runs."""
    await connection.execute(_QUERIES["unarchive_experiment"], identity)


async def delete(connection: Connection, identity: UUID) -> None:
    """Delete an experiment."""
    await connection.execute(_QUERIES["delete_experiment"], identity)


async def with_pending_runs(connection: ReadConnection) -> list[UUID]:
    """The archived experiments that have runs still to be archived."""
    rows = await connection.fetch(_QUERIES["experiments_with_pending_runs"])
    return [row["experiment_id"] for row in rows]


async def hold_pending_runs(connection: Connection, identity: UUID) -> bool:
    """Whether runs of the experiment are still to be archived. If so, the experiment is locked:
    this stays true until the transaction ends."""
    return await connection.fetchrow(_QUERIES["hold_pending_runs"], identity) is not None


async def disable_recurring_runs(connection: Connection, identity: UUID, now: datetime) -> None:
    """Disable the recurring runs of an experiment."""
    await connection.execute(_QUERIES["disable_recurring_runs"], identity, now)


async def archive_runs(
    connection: Connection, identity: UUID, after: UUID | None, now: datetime, limit: int
) -> list[UUID]:
    """Archive up to `limit` runs of an experiment whose ids are greater than `after`; returns
    their ids in order."""
    rows = await connection.fetch(_QUERIES["archive_runs"], identity, after, now, limit)
    return sorted(row["run_id"] for row in rows)


async def runs_are_archived(connection: Connection, identity: UUID) -> None:
    """Record that no runs of the experiment are left to be archived."""
    await connection.execute(_QUERIES["runs_are_archived"], identity)


def _experiment(row: Any) -> Experiment:
    fields = dict(row)
    if fields.get("last_run_created_at") == _NO_RUN:
        del fields["last_run_created_at"]
    return Experiment.model_validate(fields)

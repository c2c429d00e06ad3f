"""Experiments in Postgres, as typed calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headrace_contracts.ids import new_id
from headrace_contracts.resources import Experiment, ExperimentPage
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.lists import read_page
from headrace_api.store import AnyConnection, Scope

_QUERIES = load_queries("headrace_api", "experiments.sql")
_NEVER = datetime.fromtimestamp(0, UTC)
"""What a list is sorted by where there is no newest run."""


async def create(
    connection: Connection, namespace: str, name: str, description: str, now: datetime
) -> Experiment | None:
    """A new experiment; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_experiment"], new_id(), namespace, name, description, now
    )
    return None if row is None else _experiment(row)


async def by_name(connection: AnyConnection, namespace: str, name: str) -> Experiment | None:
    """The experiment of this name."""
    row = await connection.fetchrow(_QUERIES["experiment_by_name"], namespace, name)
    return None if row is None else _experiment(row)


async def by_id(
    connection: AnyConnection, identity: UUID, scope: Scope, *, lock: bool = False
) -> Experiment | None:
    """The experiment of this id; with `lock` nobody else changes it before the transaction ends."""
    query = _QUERIES["lock_experiment" if lock else "experiment_by_id"]
    row = await connection.fetchrow(query, identity, scope)
    return None if row is None else _experiment(row)


async def page(connection: ReadConnection, asked: Page) -> ExperimentPage:
    """A page of experiments."""
    rows, goes_on = await read_page(connection, asked, _QUERIES, "experiments")
    return ExperimentPage(experiments=tuple(_experiment(row) for row in rows), **goes_on)


async def archive(connection: Connection, identity: UUID, now: datetime) -> None:
    """Put it out of sight; its runs are still to follow."""
    await connection.execute(_QUERIES["archive_experiment"], identity, now)


async def unarchive(connection: Connection, identity: UUID) -> None:
    """Bring it back into sight."""
    await connection.execute(_QUERIES["unarchive_experiment"], identity)


async def delete(connection: Connection, identity: UUID) -> None:
    """Forget it."""
    await connection.execute(_QUERIES["delete_experiment"], identity)


async def pending(connection: ReadConnection) -> list[UUID]:
    """The archived experiments whose runs are still to be archived."""
    rows = await connection.fetch(_QUERIES["experiments_pending"])
    return [row["experiment_id"] for row in rows]


async def still_pending(connection: Connection, identity: UUID) -> bool:
    """Whether its runs are still to be archived; that stays so until the transaction ends."""
    return await connection.fetchrow(_QUERIES["still_pending"], identity) is not None


async def disable_recurring(connection: Connection, identity: UUID, now: datetime) -> None:
    """Disable its recurring runs."""
    await connection.execute(_QUERIES["disable_recurring_of_experiment"], identity, now)


async def runs_in_sight(
    connection: Connection, identity: UUID, after: UUID | None, n: int
) -> list[UUID]:
    """Up to `n` of its runs that are not archived, after one of them, for a change of them."""
    rows = await connection.fetch(_QUERIES["runs_of_experiment"], identity, after, n)
    return [row["run_id"] for row in rows]


async def archive_done(connection: Connection, identity: UUID) -> None:
    """Note that its runs are archived."""
    await connection.execute(_QUERIES["archive_done"], identity)


def _experiment(row: Any) -> Experiment:
    fields = dict(row)
    if fields.get("last_run_created_at") == _NEVER:
        del fields["last_run_created_at"]
    return Experiment.model_validate(fields)

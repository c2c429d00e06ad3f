"""Recurring runs in Postgres, as typed calls."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Rejection
from headrace_contracts.recurring import (
    RecurringRunDefinition,
    RecurringRunPage,
    SubmissionError,
)
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.core.recurrences import Recurrence, shown

_QUERIES = load_queries("headrace_api", "recurring.sql")
_PLAIN = {field.name for field in fields(Recurrence)} - {"definition", "last_error"}


async def insert(connection: Connection, made: Recurrence) -> None:
    """Keep a new recurring run."""
    await connection.execute(
        _QUERIES["insert_recurring"],
        made.recurring_run_id,
        made.definition.namespace,
        made.definition,
        made.enabled,
        made.definition.max_concurrency,
        made.anchor,
        made.since,
        made.next_at,
    )


async def by_id(
    connection: Connection | ReadConnection, identity: UUID, *, lock: bool = False
) -> Recurrence | None:
    """The recurring run of this id."""
    query = _QUERIES["lock_recurring" if lock else "recurring_by_id"]
    row = await connection.fetchrow(query, identity)
    return None if row is None else _recurrence(row)


async def lock_for_slot(connection: Connection, identity: UUID, revision: int) -> bool:
    """Take it in hand for a slot; False when it has changed or somebody else has it."""
    row = await connection.fetchrow(_QUERIES["lock_recurring_for_slot"], identity, revision)
    return row is not None


async def page(
    connection: ReadConnection,
    namespace: str | None,
    experiment_id: UUID | None,
    name: str | None,
    after: UUID | None,
    n: int,
) -> RecurringRunPage:
    """A page of recurring runs after the one of id `after`."""
    experiment = None if experiment_id is None else str(experiment_id)
    rows = await connection.fetch(
        _QUERIES["recurring_runs"], namespace, experiment, name, after, n + 1
    )
    found = tuple(shown(_recurrence(row)) for row in rows[:n])
    return RecurringRunPage(
        recurring_runs=found,
        next_page_token=str(found[-1].recurring_run_id) if len(rows) > n else None,
        total_size=rows[0]["total"] if rows else 0,
    )


async def due(connection: ReadConnection, now: datetime, n: int) -> list[UUID]:
    """Those with a slot that may be taken now."""
    rows = await connection.fetch(_QUERIES["recurring_due"], now, n)
    return [row["recurring_run_id"] for row in rows]


async def active(connection: ReadConnection, identity: UUID) -> int:
    """How many of its runs have not ended."""
    row = await connection.fetchrow(_QUERIES["active_of_recurring"], identity)
    return 0 if row is None else int(row["active"])


async def take_slot(
    connection: Connection,
    identity: UUID,
    slot: datetime,
    next_at: datetime | None,
    outcome: UUID | Rejection,
) -> None:
    """Note what came of a slot: the run, or why there is none."""
    failed = isinstance(outcome, Rejection)
    error = SubmissionError(scheduled_at=slot, rejection=outcome) if failed else None
    run_id = None if failed else outcome
    await connection.execute(_QUERIES["take_slot"], identity, slot, next_at, run_id, error)


async def update(connection: Connection, changed: Recurrence) -> None:
    """Keep a changed recurring run."""
    await connection.execute(
        _QUERIES["update_recurring"],
        changed.recurring_run_id,
        changed.definition,
        changed.enabled,
        changed.definition.max_concurrency,
        changed.anchor,
        changed.since,
        changed.next_at,
        changed.updated_at,
    )


async def delete(connection: Connection, identity: UUID) -> bool:
    """Forget a recurring run; False when there is none of this id."""
    return await connection.fetchrow(_QUERIES["delete_recurring"], identity) is not None


def _recurrence(row: Any) -> Recurrence:
    error = row["last_error"]
    return Recurrence(
        definition=RecurringRunDefinition.model_validate(row["definition"]),
        last_error=None if error is None else SubmissionError.model_validate(error),
        **{name: row[name] for name in _PLAIN},
    )

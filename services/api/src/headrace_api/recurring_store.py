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
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.core.recurrences import Recurrence, shown
from headrace_api.lists import read_page
from headrace_api.store import Scope

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
    connection: Connection | ReadConnection, identity: UUID, scope: Scope, *, lock: bool = False
) -> Recurrence | None:
    """The recurring run of this id."""
    query = _QUERIES["lock_recurring" if lock else "recurring_by_id"]
    row = await connection.fetchrow(query, identity, scope)
    return None if row is None else _recurrence(row)


async def lock_for_slot(connection: Connection, identity: UUID, revision: int) -> bool:
    """Take it in hand for a slot; False when it has changed or somebody else has it."""
    row = await connection.fetchrow(_QUERIES["lock_recurring_for_slot"], identity, revision)
    return row is not None


async def page(connection: ReadConnection, asked: Page) -> RecurringRunPage:
    """A page of recurring runs."""
    rows, goes_on = await read_page(connection, asked, _QUERIES, "recurring_runs")
    found = tuple(shown(_recurrence(row)) for row in rows)
    return RecurringRunPage(recurring_runs=found, **goes_on)


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


async def delete(connection: Connection, identity: UUID) -> None:
    """Forget a recurring run."""
    await connection.execute(_QUERIES["delete_recurring"], identity)


def _recurrence(row: Any) -> Recurrence:
    error = row["last_error"]
    return Recurrence(
        definition=RecurringRunDefinition.model_validate(row["definition"]),
        last_error=None if error is None else SubmissionError.model_validate(error),
        **{name: row[name] for name in _PLAIN},
    )

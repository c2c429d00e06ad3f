"""Recurring runs in Postgres."""

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

from headrace_api.recurring.rules.recurring_run import StoredRecurringRun, resource
from headrace_api.stores import AnyConnection, Scope, read_page

_QUERIES = load_queries("headrace_api.recurring")
_COLUMNS = {field.name for field in fields(StoredRecurringRun)} - {"definition", "last_error"}
"""Columns that are read as they are."""


async def insert(connection: Connection, recurring_run: StoredRecurringRun) -> None:
    """Insert a recurring run."""
    await connection.execute(
        _QUERIES["insert_recurring_run"],
        recurring_run.recurring_run_id,
        recurring_run.definition.namespace,
        recurring_run.definition,
        recurring_run.enabled,
        recurring_run.definition.max_concurrency,
        recurring_run.anchor,
        recurring_run.since,
        recurring_run.next_at,
    )


async def by_id(
    connection: AnyConnection, identity: UUID, scope: Scope, *, lock: bool = False
) -> StoredRecurringRun | None:
    """The recurring run with this id; with `lock`, locked until the transaction ends."""
    query = _QUERIES["lock_recurring_run" if lock else "recurring_run_by_id"]
    row = await connection.fetchrow(query, identity, scope)
    return None if row is None else _recurring_run(row)


async def lock_for_slot(connection: Connection, identity: UUID, revision: int) -> bool:
    """Lock a recurring run until the transaction ends; False when it was changed since this
    revision, or another replica locked it."""
    row = await connection.fetchrow(_QUERIES["lock_for_slot"], identity, revision)
    return row is not None


async def page(connection: ReadConnection, page: Page) -> RecurringRunPage:
    """A page of recurring runs."""
    rows, rest = await read_page(connection, page, _QUERIES, "recurring_runs")
    resources = tuple(resource(_recurring_run(row)) for row in rows)
    return RecurringRunPage(recurring_runs=resources, **rest)


async def due(connection: ReadConnection, now: datetime, limit: int) -> list[UUID]:
    """The ids of up to `limit` recurring runs with a due slot, longest due first."""
    rows = await connection.fetch(_QUERIES["due_recurring_runs"], now, limit)
    return [row["recurring_run_id"] for row in rows]


async def count_active_runs(connection: ReadConnection, identity: UUID) -> int:
    """How many runs of a recurring run have not ended."""
    return int(await connection.fetchval(_QUERIES["active_run_count"], identity))


async def take_slot(
    connection: Connection,
    identity: UUID,
    slot: datetime,
    next_at: datetime | None,
    outcome: UUID | Rejection,
) -> None:
    """Record what a slot led to: the id of its run, or why there is none."""
    failed = isinstance(outcome, Rejection)
    error = SubmissionError(scheduled_at=slot, rejection=outcome) if failed else None
    run_id = None if failed else outcome
    await connection.execute(_QUERIES["take_slot"], identity, slot, next_at, run_id, error)


async def update(connection: Connection, recurring_run: StoredRecurringRun) -> None:
    """Store a changed recurring run."""
    await connection.execute(
        _QUERIES["update_recurring_run"],
        recurring_run.recurring_run_id,
        recurring_run.definition,
        recurring_run.enabled,
        recurring_run.definition.max_concurrency,
        recurring_run.anchor,
        recurring_run.since,
        recurring_run.next_at,
        recurring_run.updated_at,
    )


async def delete(connection: Connection, identity: UUID) -> None:
    """Delete a recurring run."""
    await connection.execute(_QUERIES["delete_recurring_run"], identity)


def _recurring_run(row: Any) -> StoredRecurringRun:
    error = row["last_error"]
    return StoredRecurringRun(
        definition=RecurringRunDefinition.model_validate(row["definition"]),
        last_error=None if error is None else SubmissionError.model_validate(error),
        **{name: row[name] for name in _COLUMNS},
    )

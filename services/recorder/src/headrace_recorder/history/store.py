"""The event history in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.rows import RecordedEvent

_QUERIES = load_queries("headrace_recorder.history")


async def append(connection: Connection, recorded: Sequence[RecordedEvent]) -> None:
    """Add events to the history."""
    await connection.execute(
        _QUERIES["append_history"],
        [one.event_id for one in recorded],
        [one.run_id for one in recorded],
        [one.event.type for one in recorded],
        [one.at for one in recorded],
        [one.event for one in recorded],
    )


async def set_missing_namespaces(connection: Connection, run_ids: Sequence[UUID]) -> None:
    """Set the namespace of the tasks, artifacts and metrics of runs that were recorded before the
    `run.submitted` that names it."""
    await connection.execute(_QUERIES["set_missing_namespaces"], run_ids)


async def history_of_run(
    connection: ReadConnection, run_id: UUID, after: int, limit: int
) -> list[dict[str, Any]]:
    """The events of a run after the sequence number `after`, oldest first."""
    found = await connection.fetch(_QUERIES["history_of_run"], run_id, after, limit)
    return [dict(row) for row in found]

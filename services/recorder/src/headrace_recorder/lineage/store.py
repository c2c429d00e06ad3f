"""Artifacts, and which task made or used them, in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.messages.events import Event, TaskReady, TaskSucceeded
from headrace_contracts.values import Inputs, Outputs
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.rows import RecordedEvent

_QUERIES = load_queries("headrace_recorder.lineage")


async def save(connection: Connection, recorded: Sequence[RecordedEvent]) -> None:
    """Save the artifacts and their uses in these events; the rows of their runs exist."""
    artifacts = [
        row
        for _, event, at in recorded
        if isinstance(event, TaskSucceeded)
        for row in _artifacts(event, at)
    ]
    uses = [row for _, event, _ in recorded for row in _uses(event)]
    for query, rows in (("insert_artifacts", artifacts), ("insert_artifact_tasks", uses)):
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await connection.execute(_QUERIES[query], *columns)


async def artifact_by_id(
    connection: ReadConnection, artifact_id: UUID, visible: Sequence[str] | None
) -> dict[str, Any] | None:
    """An artifact, if it is in one of the `visible` namespaces (None: in any)."""
    row = await connection.fetchrow(_QUERIES["artifact_by_id"], artifact_id, visible)
    return None if row is None else dict(row)


def _artifacts(event: TaskSucceeded, at: datetime) -> list[tuple[Any, ...]]:
    return [
        (a.artifact_id, event.run_id, event.task_id, output, a.name, a.type.schema_title, a.uri,
         a.metadata, at)
        for output, artifacts in event.outputs.artifacts.items()
        for a in artifacts
        if a.artifact_id is not None
    ]  # fmt: skip


def _uses(event: Event) -> list[tuple[Any, ...]]:
    if not isinstance(event, TaskReady | TaskSucceeded):
        return []
    sides: list[tuple[str, Inputs | Outputs]] = []
    if event.inputs is not None:
        sides.append(("INPUT", event.inputs))
    if isinstance(event, TaskSucceeded):
        sides.append(("OUTPUT", event.outputs))
    return [
        (artifact.artifact_id, event.run_id, event.task_id, side, key)
        for side, values in sides
        for key, artifacts in values.artifacts.items()
        for artifact in artifacts
        if artifact.artifact_id is not None
    ]

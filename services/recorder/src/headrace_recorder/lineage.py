"""Which task made and used which artifacts, and the numbers in metrics artifacts, into Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from headrace_contracts.events import RunSubmitted, TaskReady, TaskSucceeded
from headrace_contracts.values import Inputs, Outputs
from headrace_runtime.pg.database import Connection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.metrics import Metric, latest, numbers
from headrace_recorder.store import Heard

_QUERIES = load_queries("headrace_recorder")
METRICS_TYPE = "system.Metrics"


async def save(connection: Connection, heard: Sequence[Heard]) -> None:
    """Keep what a batch tells of artifacts; the rows of its runs are there."""
    ended = [(event, at) for _, event, at in heard if isinstance(event, TaskSucceeded)]
    uses = [row for _, event, _ in heard for row in _uses(event)]
    for query, rows in (
        ("insert_artifacts", [row for event, at in ended for row in _artifacts(event, at)]),
        ("insert_artifact_tasks", uses),
        ("upsert_metrics", latest(row for event, at in ended for row in _metrics(event, at))),
    ):
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await connection.execute(_QUERIES[query], *columns)
    if begun := [event.run_id for _, event, _ in heard if isinstance(event, RunSubmitted)]:
        await connection.execute(_QUERIES["adopt"], begun)


def _artifacts(event: TaskSucceeded, at: datetime) -> list[tuple[Any, ...]]:
    return [
        (a.artifact_id, event.run_id, event.task_id, output, a.name, a.type.schema_title, a.uri,
         a.metadata, at)
        for output, artifacts in event.outputs.artifacts.items()
        for a in artifacts
        if a.artifact_id is not None
    ]  # fmt: skip


def _uses(event: object) -> list[tuple[Any, ...]]:
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


def _metrics(event: TaskSucceeded, at: datetime) -> list[Metric]:
    return [
        Metric(event.run_id, name, value, at, event.task_id)
        for artifacts in event.outputs.artifacts.values()
        for artifact in artifacts
        if artifact.artifact_id is not None and artifact.type.schema_title == METRICS_TYPE
        for name, value in numbers(artifact.metadata).items()
    ]

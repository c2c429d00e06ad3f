"""The metrics of runs in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from headrace_contracts.messages.events import TaskSucceeded
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.metrics import Metric, latest, numbers
from headrace_recorder.core.rows import RecordedEvent

_QUERIES = load_queries("headrace_recorder.metrics")
METRICS_TYPE = "system.Metrics"


async def save(connection: Connection, recorded: Sequence[RecordedEvent]) -> None:
    """Save the metrics that these events report; the rows of their runs exist."""
    rows = latest(
        metric
        for _, event, at in recorded
        if isinstance(event, TaskSucceeded)
        for metric in _metrics(event, at)
    )
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await connection.execute(_QUERIES["upsert_metrics"], *columns)


async def metrics_of_runs(
    connection: ReadConnection, run_ids: Collection[UUID]
) -> dict[UUID, dict[str, float]]:
    """The metrics of some runs, by run and name."""
    metrics: dict[UUID, dict[str, float]] = {run_id: {} for run_id in run_ids}
    for row in await connection.fetch(_QUERIES["metrics_of_runs"], list(run_ids)):
        metrics[row["run_id"]][row["name"]] = row["value"]
    return metrics


def _metrics(event: TaskSucceeded, at: datetime) -> list[Metric]:
    return [
        Metric(event.run_id, name, value, at, event.task_id)
        for artifacts in event.outputs.artifacts.values()
        for artifact in artifacts
        if artifact.artifact_id is not None and artifact.type.schema_title == METRICS_TYPE
        for name, value in numbers(artifact.metadata).items()
    ]

"""Fills the recorder's tables with runs of several namespaces, states, names, experiments and
metrics, some with tasks and artifacts."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from headrace_contracts.ids import uuid7
from headrace_contracts.messages.events import PipelineIdentity, RunSubmitted

from tests.support.submissions import submitted

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
NAMESPACES = {"research": 0.6, "platform": 0.25, "ads": 0.1, "support": 0.05}
FREQUENT, RARE = "train", "quokka"
"""Parts of names: of a third of the runs, and of one run in 5,000."""
METRICS = ("accuracy", "loss")
WITH_METRICS = 0.6
_STATES = {"SUCCEEDED": 0.7, "FAILED": 0.15, "CANCELED": 0.05, "RUNNING": 0.05, "PENDING": 0.05}
_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")
_KINDS = (FREQUENT, "evaluate", "ingest")
_CHUNK = 20_000
_TASKS = 4

_RUN = (
    "run_id", "version", "namespace", "experiment_id", "recurring_run_id", "created_at", "state",
    "revision", "submission", "history", "archived", "deleted", "latest", "display_name",
    "description", "finished_at", "scheduled_at", "pipeline_id", "pipeline_name",
)  # fmt: skip
_METRIC = ("run_id", "name", "value", "told_at", "task_id", "namespace")
_TASK = (
    "task_id", "run_id", "version", "plan", "state", "attempt", "rank", "inputs_attempt",
    "log_attempt", "created_at", "namespace",
)  # fmt: skip
_ARTIFACT = (
    "artifact_id", "run_id", "task_id", "output", "name", "type", "uri", "metadata", "created_at",
    "namespace",
)  # fmt: skip


async def fill(dsn: str, count: int) -> None:
    """Write `count` runs, then vacuum and analyze the tables."""
    connection = await asyncpg.connect(
        dsn, server_settings={"search_path": "recorder"}, command_timeout=600
    )
    try:
        draw = random.Random(count)
        for start in range(0, count, _CHUNK):
            runs = [
                _run(draw, number, count) for number in range(start, min(start + _CHUNK, count))
            ]
            await _copy(connection, "run", _RUN, (list(run.values()) for run in runs))
            await _copy(connection, "run_metric", _METRIC, _metrics(draw, runs))
            some = runs[:: max(1, count // 2_000)]
            await _copy(connection, "task", _TASK, (task for run in some for task in _tasks(run)))
            await _copy(connection, "artifact", _ARTIFACT, (_artifact(draw, run) for run in some))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _copy(
    connection: asyncpg.Connection[Any],
    table: str,
    columns: Sequence[str],
    rows: Iterator[Sequence[Any]],
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    await connection.copy_to_table(
        table, source=io.BytesIO(text.getvalue().encode()), columns=columns, format="csv"
    )


def _run(draw: random.Random, number: int, count: int) -> dict[str, Any]:
    created = BEGIN + timedelta(days=700 * number / count, seconds=draw.random())
    run_id = uuid7(int(created.timestamp() * 1000), draw.getrandbits(80))
    (namespace,) = draw.choices(list(NAMESPACES), list(NAMESPACES.values()))
    (state,) = draw.choices(list(_STATES), list(_STATES.values()))
    kind = RARE if draw.random() < 1 / 5_000 else draw.choice(_KINDS)
    name = f"{draw.choice('abcdefgh')}{draw.randrange(10**6):06d} {kind} {created:%Y-%m-%d}"
    pipeline = draw.randrange(20)
    submission = _submission(
        run_id, created, pipeline, draw, namespace=namespace, display_name=name
    )
    finished = created + timedelta(minutes=draw.random() * 60)
    ended = state in _ENDED
    history = {"0": ["PENDING", created.isoformat()]}
    if state != "PENDING":
        history["1"] = ["RUNNING", created.isoformat()]
    if ended:
        history["2"] = [state, finished.isoformat()]
    return {
        "run_id": run_id,
        "version": 9,
        "namespace": namespace,
        "experiment_id": submission.experiment_id,
        "recurring_run_id": submission.recurring_run_id,
        "created_at": created,
        "state": state,
        "revision": len(history) - 1,
        "submission": submission.to_json().decode(),
        "history": json.dumps(history),
        "archived": draw.random() < 0.05,
        "deleted": False,
        "latest": state,
        "display_name": name,
        "description": submission.description,
        "finished_at": finished if ended else "epoch",
        "scheduled_at": created,
        "pipeline_id": submission.pipeline.pipeline_id,
        "pipeline_name": submission.pipeline.name,
    }


def _submission(
    run_id: UUID, created: datetime, pipeline: int, draw: random.Random, **fields: Any
) -> RunSubmitted:
    return submitted(
        run_id,
        **fields,
        description="one of many",
        experiment_id=UUID(int=1_000 + draw.randrange(40)),
        pipeline=PipelineIdentity(
            name=f"pipeline-{pipeline}",
            pipeline_id=UUID(int=2_000 + pipeline),
            pipeline_version_id=UUID(int=3_000 + pipeline),
        ),
        parameters={"rounds": draw.randrange(500), "rate": draw.random(), "data": "s3://x/y"},
        submitted_at=created,
        recurring_run_id=UUID(int=5_000 + pipeline) if draw.random() < 0.1 else None,
    )


def _metrics(draw: random.Random, runs: Sequence[dict[str, Any]]) -> Iterator[Sequence[Any]]:
    for run in runs:
        if draw.random() < WITH_METRICS:
            for name in METRICS:
                value = round(draw.random(), 4)
                yield run["run_id"], name, value, run["created_at"], run["run_id"], run["namespace"]


def _tasks(run: dict[str, Any]) -> Iterator[Sequence[Any]]:
    for number in range(_TASKS):
        task_id = UUID(int=run["run_id"].int ^ (number + 1))
        plan = {"task_id": str(task_id), "name": f"t{number}", "display_name": f"t{number}",
                "path": f"root/t{number}", "component": "comp-t"}  # fmt: skip
        yield (
            task_id, run["run_id"], 9, json.dumps(plan), "SUCCEEDED", 1, 9.0, 1, 1,
            run["created_at"], run["namespace"],
        )  # fmt: skip


def _artifact(draw: random.Random, run: dict[str, Any]) -> Sequence[Any]:
    task_id = UUID(int=run["run_id"].int ^ 1)
    kind = draw.choice(["system.Model", "system.Dataset"])
    return (
        UUID(int=run["run_id"].int ^ 99), run["run_id"], task_id, "out", "out", kind,
        f"s3://headrace/runs/{run['run_id']}/out", "{}", run["created_at"], run["namespace"],
    )  # fmt: skip

"""Earlier executions of a component, from the tasks' rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace_runtime.pg.database import ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_recorder.cache")


async def earlier_executions(
    connection: ReadConnection, component: str, task_id: UUID, namespace: str, pipeline: str
) -> list[dict[str, Any]]:
    """The latest executions of a component in a pipeline, newest first, without the task
    `task_id`."""
    found = await connection.fetch(
        _QUERIES["earlier_executions"], component, task_id, namespace, pipeline
    )
    return [dict(row) for row in found]

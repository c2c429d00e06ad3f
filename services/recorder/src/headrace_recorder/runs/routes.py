"""Routes of one run or task: the resources, and the preview of a rerun."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from headrace_contracts.access import Access
from headrace_contracts.resources import Run, Task
from headrace_runtime.access import Caller
from headrace_runtime.pg.database import Database

from headrace_recorder.core.rows import TaskRow
from headrace_recorder.metrics.store import metrics_of_runs
from headrace_recorder.runs import store
from headrace_recorder.runs.access import visible_run, visible_task
from headrace_recorder.runs.rerun_preview import preview
from headrace_recorder.runs.views import in_graph_order, run_view, task_view

_VIEWS_AT_ONCE = 300
"""About 20 ms of work."""


def run_router(database: Database) -> APIRouter:
    """The routes of runs and tasks."""
    router = APIRouter()

    @router.get("/runs/{run_id}")
    async def get_run(
        caller: Caller,
        run_id: UUID,
        tasks: bool = True,
        since: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    ) -> Response:
        """The run, with those of its tasks that changed after its version `since`. The headers let
        a proxy know the version and the state without parsing the body."""
        run = await _run(caller, run_id, tasks=tasks, since=since)
        headers = {"X-Run-Version": str(run.version), "X-Run-State": run.state}
        return Response(run.to_json(), media_type="application/json", headers=headers)

    @router.get("/runs/{run_id}/rerun-preview")
    async def preview_rerun(
        caller: Caller, run_id: UUID, task: Annotated[list[str] | None, Query()] = None
    ) -> dict[str, Any]:
        """What a rerun from these tasks, given by path, reuses and what it runs."""
        run = await _run(caller, run_id)
        return preview(run.tasks or (), task or [])

    @router.get("/tasks/{task_id}")
    async def get_task(caller: Caller, task_id: UUID) -> Response:
        task = task_view(await visible_task(database, caller, task_id), in_run=False)
        return Response(task.to_json(), media_type="application/json")

    async def _run(caller: Access, run_id: UUID, *, tasks: bool = True, since: int = 0) -> Run:
        async with database.read() as connection:
            row, version = await visible_run(connection, caller, run_id)
            rows = await store.tasks_of_run(connection, run_id, since) if tasks else None
            metrics = await metrics_of_runs(connection, [run_id])
        views = None if rows is None else await _task_views(rows)
        return run_view(row, version, views, metrics[run_id])

    return router


async def _task_views(rows: list[TaskRow]) -> list[Task]:
    """The tasks in graph order. Yields to the event loop between parts, so that a large run does
    not delay other requests and events."""
    views: list[Task] = []
    for start in range(0, len(rows), _VIEWS_AT_ONCE):
        views += map(task_view, rows[start : start + _VIEWS_AT_ONCE])
        await asyncio.sleep(0)
    return in_graph_order(views)

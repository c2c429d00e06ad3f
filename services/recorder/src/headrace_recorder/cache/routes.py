"""The route that explains a cache hit or miss."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from headrace_runtime.access import Caller
from headrace_runtime.pg.database import Database

from headrace_recorder.cache import store
from headrace_recorder.cache.views import cache_view
from headrace_recorder.runs.access import run_not_found, visible_task_of_run


def cache_router(database: Database) -> APIRouter:
    """The route of cache explanations."""
    router = APIRouter()

    @router.get("/runs/{run_id}/tasks/{task_id}/cache")
    async def explain_cache(caller: Caller, run_id: UUID, task_id: UUID) -> dict[str, Any]:
        """Whether the task was taken from the cache, and if not, which parts of its fingerprint
        differ from the closest earlier execution."""
        run, task = await visible_task_of_run(database, caller, run_id, task_id)
        if run.submission is None or task.plan is None:
            raise run_not_found(run_id)
        namespace, pipeline = run.submission["namespace"], run.submission["pipeline"]["name"]
        async with database.read() as connection:
            earlier = await store.earlier_executions(
                connection, task.plan["component"], task_id, namespace, pipeline
            )
        return cache_view(task, earlier)

    return router

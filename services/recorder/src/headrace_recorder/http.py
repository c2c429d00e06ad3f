"""The recorder's HTTP side, for the gateway."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Response
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Run, RunPage, Task
from headrace_contracts.states import RunState
from headrace_contracts.values import Artifact, Outputs
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import install_problems
from headrace_runtime.objects import ObjectMissingError, ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder import store
from headrace_recorder.core.projection import TaskRow
from headrace_recorder.views import cache_view, in_order, preview, run_view, task_view

_DEFAULT_PAGE, _LARGEST_PAGE = 20, 200
_LARGEST_LOG_PART = 8 * 1024 * 1024
_VIEWS_AT_ONE_TIME = 300
"""Some 20 ms of work."""


def http_app(database: Database, objects: ObjectStore, grant_seconds: int) -> FastAPI:
    """The routes over the recorder's rows."""
    app = FastAPI(title="Headrace recorder", openapi_url=None)
    install_problems(app)

    @app.get("/runs")
    async def list_runs(
        namespace: str | None = None,
        experiment_id: UUID | None = None,
        state: RunState | None = None,
        archived: bool | None = None,
        recurring_run_id: UUID | None = None,
        page_size: Annotated[int, Query(ge=0)] = 0,
        page_token: str = "",
    ) -> RunPage:
        wanted = store.RunFilter(namespace, experiment_id, state, archived, recurring_run_id)
        count = min(page_size or _DEFAULT_PAGE, _LARGEST_PAGE)
        after = _position(page_token) if page_token else None
        async with database.read() as connection:
            found, total = await store.runs(connection, wanted, after, count + 1)
        runs = [run_view(row, version, None) for row, version in found[:count]]
        token = _token(runs[-1]) if len(found) > count else None
        return RunPage(runs=tuple(runs), next_page_token=token, total_size=total)

    @app.get("/runs/{run_id}")
    async def get_run(
        run_id: UUID, tasks: bool = True, since: Annotated[int, Query(ge=0)] = 0
    ) -> Response:
        """The run, with those of its tasks that have changed since a version of it. The headers
        say what has to be known of it by who only hands it on."""
        run = await _run(run_id, tasks=tasks, since=since)
        headers = {"X-Run-Version": str(run.version), "X-Run-State": run.state}
        return Response(run.to_json(), media_type="application/json", headers=headers)

    async def _run(run_id: UUID, *, tasks: bool = True, since: int = 0) -> Run:
        async with database.read() as connection:
            found = await store.run_by_id(connection, run_id)
            rows = await store.tasks_of_run(connection, run_id, since) if tasks and found else None
        if found is None:
            raise _missing(f"there is no run {run_id}")
        views = None if rows is None else await _task_views(rows)
        return run_view(*found, views)

    async def _task_views(rows: list[TaskRow]) -> list[Task]:
        """A few hundred at a time, so that the events of other runs need not wait."""
        views: list[Task] = []
        for start in range(0, len(rows), _VIEWS_AT_ONE_TIME):
            views += map(task_view, rows[start : start + _VIEWS_AT_ONE_TIME])
            await asyncio.sleep(0)
        return in_order(views)

    @app.get("/runs/{run_id}/events")
    async def get_events(
        run_id: UUID, after: int = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500
    ) -> dict[str, Any]:
        async with database.read() as connection:
            rows = await store.history_of_run(connection, run_id, after, limit)
        return {"events": [{**row, "time": row.pop("at")} for row in rows]}

    @app.get("/runs/{run_id}/rerun-preview")
    async def preview_rerun(
        run_id: UUID, task: Annotated[list[str] | None, Query()] = None
    ) -> dict[str, Any]:
        """What a new run from these tasks, by path, would take over, and what it would run."""
        run = await _run(run_id)
        return preview(run.tasks or (), task or [])

    @app.get("/runs/{run_id}/tasks/{task_id}/cache")
    async def explain_cache(run_id: UUID, task_id: UUID) -> dict[str, Any]:
        """Whether the task came from the cache, and if not, which part of its fingerprint is
        another one than in the closest earlier execution."""
        row = await _task(run_id, task_id)
        async with database.read() as connection:
            run = await store.run_by_id(connection, run_id)
            if run is None or run[0].submission is None or row.plan is None:
                raise _missing(f"there is no run {run_id}")
            earlier = await store.earlier_executions(
                connection,
                row.plan["component"],
                task_id,
                run[0].submission["namespace"],
                run[0].submission["pipeline"]["name"],
            )
        return cache_view(row, earlier)

    @app.get("/runs/{run_id}/tasks/{task_id}/log")
    async def get_log(
        run_id: UUID,
        task_id: UUID,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_LARGEST_LOG_PART)] = 1024 * 1024,
    ) -> Response:
        task = await _task(run_id, task_id)
        if task.log_text is not None:
            whole = task.log_text.encode()
            return _log_part(whole[offset : offset + limit], len(whole), task)
        if task.log is None:
            raise _missing("the task has no log yet")
        try:
            size = await objects.size(task.log)
            body = await objects.get_range(task.log, offset, min(offset + limit, size))
        except ObjectMissingError:
            size, body = 0, b""  # it has just started and said nothing
        return _log_part(body, size, task)

    @app.get("/runs/{run_id}/tasks/{task_id}/artifacts/{name}")
    async def get_artifact(
        run_id: UUID, task_id: UUID, name: str, index: Annotated[int, Query(ge=0)] = 0
    ) -> dict[str, Any]:
        task = await _task(run_id, task_id)
        artifacts = Outputs.model_validate(task.outputs or {}).artifacts.get(name, ())
        if index >= len(artifacts):
            raise _missing(f"the task has no output artifact {name!r}")
        return await _links(artifacts[index])

    async def _task(run_id: UUID, task_id: UUID) -> TaskRow:
        async with database.read() as connection:
            found = await store.task_by_id(connection, run_id, task_id)
        if found is None:
            raise _missing(f"there is no task {task_id} in run {run_id}")
        return found

    async def _links(artifact: Artifact) -> dict[str, Any]:
        key = objects.key(artifact.uri)
        if key is None:
            return {"url": artifact.uri}  # the user's own place
        if artifact.content.kind == "file":
            return {"url": await objects.presign_get(key, grant_seconds)}
        if artifact.content.kind == "none":
            raise _missing("the step wrote nothing to this artifact")
        below = await objects.list(key + "/")
        links = [
            {
                "path": entry[len(key) + 1 :],
                "url": await objects.presign_get(entry, grant_seconds),
            }
            for entry in below
        ]
        return {"files": links}

    return app


def _log_part(body: bytes, size: int, task: TaskRow) -> Response:
    complete = "true" if task.state.final else "false"
    headers = {"X-Log-Size": str(size), "X-Log-Complete": complete}
    return Response(body, media_type="text/plain; charset=utf-8", headers=headers)


def _missing(message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.NOT_FOUND, message)


def _token(run: Run) -> str:
    position = json.dumps([run.created_at.isoformat(), str(run.run_id)])
    return base64.urlsafe_b64encode(position.encode()).decode()


def _position(token: str) -> tuple[datetime, UUID]:
    try:
        moment, run_id = json.loads(base64.urlsafe_b64decode(token.encode()))
        return datetime.fromisoformat(moment), UUID(run_id)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise RejectedError.because(
            RejectionCode.MALFORMED, "page_token is not one that a list gave", "page_token"
        ) from None

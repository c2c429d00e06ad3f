"""One run over HTTP, and what is below it: events, logs, artifacts, the cache, rerun previews."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from headrace_contracts.access import Access
from headrace_contracts.events import Origin
from headrace_contracts.places import is_plain
from headrace_contracts.resources import Run, Task
from headrace_contracts.values import Artifact, Outputs
from headrace_runtime.access import Caller
from headrace_runtime.objects import ObjectMissingError, ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder import store
from headrace_recorder.core.places import is_of, named_runs
from headrace_recorder.core.projection import RunRow, TaskRow
from headrace_recorder.views import cache_view, in_order, missing, preview, run_view, task_view

_LARGEST_LOG_PART = 8 * 1024 * 1024
_VIEWS_AT_ONE_TIME = 300
"""Some 20 ms of work."""
_LONGEST_TOLD = 500
"""Characters of an address in a refusal."""


def run_router(database: Database, objects: ObjectStore, grant_seconds: int) -> APIRouter:
    """The routes of one run. What is in a namespace that the caller does not see is not there."""
    router = APIRouter()

    @router.get("/runs/{run_id}")
    async def get_run(
        caller: Caller,
        run_id: UUID,
        tasks: bool = True,
        since: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    ) -> Response:
        """The run, with those of its tasks that have changed since a version of it. The headers
        say what has to be known of it by who only hands it on."""
        run = await _run(caller, run_id, tasks=tasks, since=since)
        headers = {"X-Run-Version": str(run.version), "X-Run-State": run.state}
        return Response(run.to_json(), media_type="application/json", headers=headers)

    async def _run(caller: Access, run_id: UUID, *, tasks: bool = True, since: int = 0) -> Run:
        async with database.read() as connection:
            found = await store.run_by_id(connection, run_id, caller.visible)
            if found is None:
                raise _no_run(run_id)
            rows = await store.tasks_of_run(connection, run_id, since) if tasks else None
            metrics = await store.metrics_of_runs(connection, [run_id])
        views = None if rows is None else await _task_views(rows)
        return run_view(*found, views, metrics[run_id])

    async def _task_views(rows: list[TaskRow]) -> list[Task]:
        """A few hundred at a time, so that the events of other runs need not wait."""
        views: list[Task] = []
        for start in range(0, len(rows), _VIEWS_AT_ONE_TIME):
            views += map(task_view, rows[start : start + _VIEWS_AT_ONE_TIME])
            await asyncio.sleep(0)
        return in_order(views)

    @router.get("/runs/{run_id}/events")
    async def get_events(
        caller: Caller,
        run_id: UUID,
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> dict[str, Any]:
        async with database.read() as connection:
            if await store.run_by_id(connection, run_id, caller.visible) is None:
                raise _no_run(run_id)
            rows = await store.history_of_run(connection, run_id, after, limit)
        return {"events": [{**row, "time": row.pop("at")} for row in rows]}

    @router.get("/runs/{run_id}/rerun-preview")
    async def preview_rerun(
        caller: Caller, run_id: UUID, task: Annotated[list[str] | None, Query()] = None
    ) -> dict[str, Any]:
        """What a new run from these tasks, by path, would take over, and what it would run."""
        run = await _run(caller, run_id)
        return preview(run.tasks or (), task or [])

    @router.get("/runs/{run_id}/tasks/{task_id}/cache")
    async def explain_cache(caller: Caller, run_id: UUID, task_id: UUID) -> dict[str, Any]:
        """Whether the task came from the cache, and if not, which part of its fingerprint is
        another one than in the closest earlier execution."""
        run, task = await _task(caller, run_id, task_id)
        if run.submission is None or task.plan is None:
            raise _no_run(run_id)
        namespace, pipeline = run.submission["namespace"], run.submission["pipeline"]["name"]
        async with database.read() as connection:
            earlier = await store.earlier_executions(
                connection, task.plan["component"], task_id, namespace, pipeline
            )
        return cache_view(task, earlier)

    @router.get("/runs/{run_id}/tasks/{task_id}/log")
    async def get_log(
        caller: Caller,
        run_id: UUID,
        task_id: UUID,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_LARGEST_LOG_PART)] = 1024 * 1024,
    ) -> Response:
        _, task = await _task(caller, run_id, task_id)
        if task.log_text is not None:
            whole = task.log_text.encode()
            return _log_part(task, whole[offset : offset + limit], len(whole))
        if task.log is None and task.origin is not None:
            origin = Origin.model_validate(task.origin)
            return await get_log(caller, origin.run_id, origin.task_id, offset, limit)
        if task.log is None:
            raise missing("the task has no log yet")
        try:
            size = await objects.size(task.log)
            body = await objects.get_range(task.log, offset, min(offset + limit, size))
        except ObjectMissingError:
            size, body = 0, b""  # it has just started and said nothing
        return _log_part(task, body, size)

    @router.get("/runs/{run_id}/tasks/{task_id}/artifacts/{name}")
    async def get_artifact(
        caller: Caller,
        run_id: UUID,
        task_id: UUID,
        name: str,
        index: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        run, task = await _task(caller, run_id, task_id)
        artifacts = Outputs.model_validate(task.outputs or {}).artifacts.get(name, ())
        if index >= len(artifacts):
            raise missing(f"the task has no output artifact {name!r}")
        artifact = artifacts[index]
        key = objects.key(artifact.uri)
        if key is None:
            return {"url": artifact.uri}  # the user's own place
        if not await _may_read(caller, run, key):
            raise missing("the artifact lies in a place of the store that is not yours")
        return await _links(artifact, key)

    @router.get("/artifacts/{artifact_id}/content")
    async def get_artifact_content(caller: Caller, artifact_id: UUID) -> dict[str, Any]:
        """Links to the content of an artifact, by its id alone."""
        async with database.read() as connection:
            record = await store.artifact_by_id(connection, artifact_id, caller.visible)
        if record is None:
            raise missing(f"there is no artifact {artifact_id}")
        run_id, task_id, output = record["run_id"], record["task_id"], record["output"]
        _, task = await _task(caller, run_id, task_id)
        artifacts = Outputs.model_validate(task.outputs or {}).artifacts.get(output, ())
        for index, artifact in enumerate(artifacts):
            if artifact.artifact_id == artifact_id:
                return await get_artifact(caller, run_id, task_id, output, index)
        raise missing(f"the content of artifact {artifact_id} is no longer available")

    @router.get("/runs/{run_id}/source")
    async def get_source(
        caller: Caller, run_id: UUID, uri: Annotated[str, Query(max_length=10_000)]
    ) -> dict[str, Any]:
        """A link to an object that a step of the run tells of. A step may tell any address, and
        who looks at the run may see more than the step: so it has to be among what runs of the
        same namespace have left."""
        async with database.read() as connection:
            run = await store.run_by_id(connection, run_id, caller.visible)
            if run is None or run[0].submission is None:
                raise _no_run(run_id)
            key, namespace = objects.key(uri), run[0].submission["namespace"]
            runs = named_runs(key) if key is not None and is_plain(key) else []
            known = await store.submissions(connection, runs, [namespace])
        if key is None or not any(is_of(key, submission) for submission in known):
            raise missing(
                f"{uri[:_LONGEST_TOLD]} is no place in the deployment's object store where a run "
                f"of namespace {namespace} has left something; nothing is fetched from there"
            )
        return {"url": await objects.presign_get(key, grant_seconds)}

    async def _task(caller: Access, run_id: UUID, task_id: UUID) -> tuple[RunRow, TaskRow]:
        async with database.read() as connection:
            run = await store.run_by_id(connection, run_id, caller.visible)
            task = await store.task_by_id(connection, task_id, caller.visible) if run else None
        if run is None or task is None or task.run_id != run_id:
            raise missing(f"there is no task {task_id} in run {run_id}")
        return run[0], task

    async def _may_read(caller: Access, run: RunRow, key: str) -> bool:
        """Whether an object is for the caller. Where an artifact lies may be said by a step or an
        importer, and so by anybody: it has to be a place of a run that the caller sees."""
        if not is_plain(key):
            return False
        if caller.visible is None or (run.submission is not None and is_of(key, run.submission)):
            return True
        async with database.read() as connection:
            known = await store.submissions(connection, named_runs(key), caller.visible)
        return any(is_of(key, submission) for submission in known)

    async def _links(artifact: Artifact, key: str) -> dict[str, Any]:
        if artifact.content.kind == "file":
            return {"url": await objects.presign_get(key, grant_seconds)}
        if artifact.content.kind == "none":
            raise missing("the step wrote nothing to this artifact")
        below = await objects.list(key + "/")
        links = [
            {
                "path": entry[len(key) + 1 :],
                "url": await objects.presign_get(entry, grant_seconds),
            }
            for entry in below
        ]
        return {"files": links}

    return router


def _log_part(task: TaskRow, body: bytes, size: int) -> Response:
    complete = "true" if task.state.final else "false"
    headers = {
        "X-Log-Size": str(size),
        "X-Log-Complete": complete,
        "X-Log-Attempt": str(task.log_attempt),
    }
    return Response(body, media_type="text/plain; charset=utf-8", headers=headers)


def _no_run(run_id: UUID) -> Exception:
    return missing(f"there is no run {run_id}")

"""``/api/v1``: tasks of runs, why the cache did or did not have them, and what happened to a
run."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Task, TaskPage
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.rest.description.document import ETAG, SSE
from headrace_ui_gateway.rest.http.requests import (
    LARGEST_NUMBER,
    IfNoneMatch,
    Paging,
    answered,
    malformed,
    new_router,
)
from headrace_ui_gateway.rest.models import CacheExplanation, RunEvents
from headrace_ui_gateway.rest.runs import STREAM
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.live import Live

_After = Annotated[
    int, Query(ge=0, le=LARGEST_NUMBER, description="The `seq` after which to begin.")
]


def tasks_router(recorder: Backend, runs: Runs, live: Live, settings: Settings) -> APIRouter:
    """The routes over the recorder."""
    router = new_router("tasks")

    @router.get("/runs/{run_id}/tasks")
    async def list_tasks(run_id: UUID, paging: Paging) -> TaskPage:
        """List a run's tasks."""
        await runs.version(str(run_id))  # of an unknown run the answer is an error
        return await recorder.get(TaskPage, "/tasks", run_id=run_id, **paging)

    @router.get("/tasks")
    async def find_tasks(
        paging: Paging,
        namespace: Annotated[str | None, Query(max_length=63)] = None,
        parent_task_id: UUID | None = None,
    ) -> TaskPage:
        """List the tasks inside a DAG or loop, or those of a namespace."""
        return await recorder.get(
            TaskPage, "/tasks", namespace=namespace, parent_task_id=parent_task_id, **paging
        )

    @router.get("/tasks/{task_id}", response_model=Task, responses=ETAG)
    async def get_task(task_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read a task."""
        return answered(await recorder.get(Task, f"/tasks/{task_id}"), if_none_match)

    @router.get("/runs/{run_id}/tasks/{task_id}/cache", response_model=CacheExplanation)
    async def explain_cache(run_id: UUID, task_id: UUID) -> Response:
        """Tell whether a task came from the cache, and if not, which part of its fingerprint is
        another one than in the closest earlier execution."""
        found = await recorder.call("GET", f"/runs/{run_id}/tasks/{task_id}/cache")
        return Response(found.content, media_type="application/json")

    @router.get("/runs/{run_id}/events", tags=["runs"])
    async def list_events(
        run_id: UUID, after: _After = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500
    ) -> RunEvents:
        """List what happened to a run, in the order in which it was kept. The list goes on after
        the last `seq`."""
        await runs.version(str(run_id))  # of an unknown run the answer is an error
        return await history(str(run_id), after, limit)

    @router.get(
        "/runs/{run_id}/events/live",
        response_class=StreamingResponse,
        responses=SSE,
        tags=["runs"],
    )
    async def follow_events(
        request: Request,
        run_id: UUID,
        after: _After = 0,
        last_event_id: Annotated[
            str | None, Header(description="As browsers send it to go on; before `after`.")
        ] = None,
    ) -> StreamingResponse:
        """Follow what happens to a run as server-sent events: each has the event as its data and
        its `seq` as its id. The last one, `end`, follows when the run has ended."""
        if last_event_id is not None:
            if not (last_event_id.isascii() and last_event_id.isdigit()):
                raise malformed("Last-Event-ID is not a number", "Last-Event-ID")
            after = min(int(last_event_id[:16]), LARGEST_NUMBER)
        identity = str(run_id)
        await runs.version(identity)

        async def read(place: int) -> tuple[RunEvents, bool]:
            """What follows; whether the run had ended before this was read."""
            ended = (await runs.snapshot(identity, LARGEST_NUMBER)).state.final
            return await history(identity, place, 500), ended

        stream = live.events(identity, read, after, settings.heartbeat_seconds)
        return StreamingResponse(stream, media_type="text/event-stream", headers=STREAM)

    async def history(run_id: str, after: int, limit: int) -> RunEvents:
        """What the recorder has heard of the run, which may be nothing yet."""
        path = f"/runs/{run_id}/events"
        try:
            return await recorder.get(RunEvents, path, after=after, limit=limit)
        except RejectedError as error:
            if error.rejection.code is not RejectionCode.NOT_FOUND:
                raise
            return RunEvents()

    return router

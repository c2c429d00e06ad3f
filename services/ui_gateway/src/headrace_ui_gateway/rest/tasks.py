"""``/api/v1``: tasks of runs, cache explanations, and the event history of runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.resources import Task, TaskPage

from headrace_ui_gateway.rest import streams
from headrace_ui_gateway.rest.description.document import ETAG, SSE
from headrace_ui_gateway.rest.http.errors import malformed
from headrace_ui_gateway.rest.http.parameters import LARGEST_NUMBER, IfNoneMatch, Paging
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import CacheExplanation
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.models import RunEvents
from headrace_ui_gateway.upstream.services import Services

_After = Annotated[
    int, Query(ge=0, le=LARGEST_NUMBER, description="Return the events after this `seq`.")
]


def tasks_router(services: Services, settings: Settings) -> APIRouter:
    """The routes of tasks."""
    router = new_router("tasks")
    recorder, runs = services.recorder, services.runs
    _add_events(router, services, settings)

    @router.get("/runs/{run_id}/tasks")
    async def list_tasks(run_id: UUID, paging: Paging) -> TaskPage:
        """List a run's tasks."""
        return await runs.part(TaskPage, run_id, "/tasks", run_id=run_id, **paging)

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
        return resource_response(await recorder.get(Task, f"/tasks/{task_id}"), if_none_match)

    @router.get("/runs/{run_id}/tasks/{task_id}/cache", response_model=CacheExplanation)
    async def explain_cache(run_id: UUID, task_id: UUID) -> Response:
        """Explain whether a task came from the cache. If it did not, the answer lists the parts of
        its fingerprint that differ from the closest earlier execution."""
        found = await recorder.call("GET", f"/runs/{run_id}/tasks/{task_id}/cache")
        return Response(found.content, media_type="application/json")

    return router


def _add_events(router: APIRouter, services: Services, settings: Settings) -> None:
    runs = services.runs

    @router.get("/runs/{run_id}/events", tags=["runs"])
    async def list_events(
        run_id: UUID, after: _After = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500
    ) -> RunEvents:
        """List a run's events in the order in which they were recorded. To continue, pass the last
        `seq` as `after`."""
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
            str | None,
            Header(description="Sent by browsers to continue a stream; overrides `after`."),
        ] = None,
    ) -> StreamingResponse:
        """Follow a run's events as server-sent events. Each has the event as its data and the
        `seq` as its id. The last one, `end`, follows when the run has ended."""
        if last_event_id is not None:
            if not (last_event_id.isascii() and last_event_id.isdigit()):
                raise malformed("Last-Event-ID is not a number", "Last-Event-ID")
            after = min(int(last_event_id[:16]), LARGEST_NUMBER)
        identity = str(run_id)
        await runs.version(identity)

        async def read(seq: int) -> tuple[RunEvents, bool]:
            """The next events, and whether the run had ended before they were read."""
            ended = (await runs.snapshot(identity, LARGEST_NUMBER)).state.final
            return await history(identity, seq, 500), ended

        stream = streams.run_events(
            services.announcements, identity, read, after, settings.heartbeat_seconds
        )
        return StreamingResponse(stream, media_type=streams.MEDIA_TYPE, headers=streams.HEADERS)

    async def history(run_id: str, after: int, limit: int) -> RunEvents:
        """The recorded events; none if the recorder does not have the run yet."""
        return await runs.part(
            RunEvents, run_id, f"/runs/{run_id}/events", after=after, limit=limit
        )

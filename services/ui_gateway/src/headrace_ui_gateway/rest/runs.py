"""``/api/v1/runs``: submit, list, watch and change runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.etags import contains_tag, version_etag
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.resources import Run, RunPage
from headrace_contracts.states import RunState

from headrace_ui_gateway.rest import streams
from headrace_ui_gateway.rest.description.document import CONFLICT, ETAG, IDEMPOTENCY_KEY, SSE
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.parameters import (
    LARGEST_NUMBER,
    IfNoneMatch,
    ListQuery,
    bool_param,
)
from headrace_ui_gateway.rest.http.responses import json_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import Done, RerunPreview
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.runs import Runs
from headrace_ui_gateway.upstream.services import Services

OPERATIONS = {
    "pause": "Pause a run: running tasks finish, no new tasks start.",
    "resume": "Resume a paused run.",
    "retry": "Retry a failed or canceled run, keeping tasks that succeeded.",
    "archive": "Archive a run, so that lists can exclude it (`archived=false`).",
    "unarchive": "Restore an archived run.",
}


def runs_router(services: Services, settings: Settings) -> APIRouter:
    """The routes of runs."""
    router = new_router("runs")
    _add_streams(router, services, settings)
    api, recorder, runs = services.api, services.recorder, services.runs

    @router.post("/runs", status_code=201, response_model=Run, responses={200: {}, **CONFLICT})
    async def submit_run(
        request: Annotated[SubmitRun, Depends(JsonBody(SubmitRun))],
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Submit a run. A repeat with the same `Idempotency-Key` in the same namespace returns the
        first run, with status 200."""
        run, duplicate = await runs.submit(request, idempotency_key)
        tag = version_etag(run.version)
        response = json_response(run.to_json(), tag, status_code=200 if duplicate else 201)
        response.headers["Location"] = f"/api/v1/runs/{run.run_id}"
        return response

    @router.get("/runs")
    async def list_runs(
        query: ListQuery,
        experiment_id: UUID | None = None,
        state: RunState | None = None,
        archived: bool | None = None,
        recurring_run_id: UUID | None = None,
    ) -> RunPage:
        """List runs, newest first, without their tasks. Fields of `filter` and `sort_by`: run_id,
        display_name, description, created_at, finished_at, scheduled_at, state, archived,
        experiment_id, recurring_run_id, pipeline_id, pipeline_name; `sort_by` also takes
        `metric:<name>`."""
        return await recorder.get(
            RunPage,
            "/runs",
            **query,
            experiment_id=experiment_id,
            state=state,
            archived=bool_param(archived),
            recurring_run_id=recurring_run_id,
        )

    @router.get("/runs/{run_id}", response_model=Run, responses=ETAG)
    async def get_run(
        run_id: UUID,
        since: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Read a run with its tasks. With `since`, a version of the run, only the tasks that have
        changed after it are included."""
        identity = str(run_id)
        if if_none_match is not None:
            version = await runs.version(identity)
            if contains_tag(if_none_match, version_etag(version)):
                return json_response(b"", version_etag(version), if_none_match)
        found = await runs.snapshot(identity, since)
        return json_response(found.body, version_etag(found.version))

    @router.delete("/runs/{run_id}")
    async def delete_run(run_id: UUID) -> Done:
        """Delete a run with its artifacts and logs. A running run is stopped first."""
        await runs.delete(run_id)
        return Done()

    @router.post("/runs/{run_id}/cancel", status_code=202, responses=CONFLICT)
    async def cancel_run(run_id: UUID, force: bool = False) -> Done:
        """Cancel a run. Exit tasks still run, except with `force`."""
        body = {"reason": "canceled", "force": force}
        await api.call("POST", f"/runs/{run_id}/cancel", json=body)
        return Done()

    for operation, description in OPERATIONS.items():
        router.add_api_route(
            f"/runs/{{run_id}}/{operation}",
            _operate(runs, operation),
            name=f"{operation}_run",
            methods=["POST"],
            status_code=202,
            description=description,
            responses=CONFLICT,
        )

    @router.get("/runs/{run_id}/rerun-preview")
    async def preview_rerun(
        run_id: UUID,
        task: Annotated[tuple[str, ...], Query(description="Paths of the tasks to rerun.")] = (),
    ) -> RerunPreview:
        """Preview a rerun from these tasks: which tasks it would reuse and which it would run."""
        path = f"/runs/{run_id}/rerun-preview"
        return await runs.part(RerunPreview, run_id, path, task=list(task))

    return router


def _operate(runs: Runs, operation: str) -> Callable[[UUID], Awaitable[Done]]:
    async def operate(run_id: UUID) -> Done:
        await runs.operate(run_id, operation)
        return Done()

    return operate


def _add_streams(router: APIRouter, services: Services, settings: Settings) -> None:
    pace = (settings.live_per_second, settings.heartbeat_seconds)
    runs, announcements = services.runs, services.announcements

    @router.get("/runs/live", response_class=StreamingResponse, responses=SSE)
    async def watch_runs() -> StreamingResponse:
        """Watch all runs as server-sent events: an empty `runs` event whenever any run has
        changed."""
        stream = streams.run_list_changes(announcements, *pace)
        return StreamingResponse(stream, media_type=streams.MEDIA_TYPE, headers=streams.HEADERS)

    @router.get("/runs/{run_id}/live", response_class=StreamingResponse, responses=SSE)
    async def watch_run(run_id: UUID) -> StreamingResponse:
        """Watch a run until it ends, as server-sent events: `run` with the run as `get_run`
        returns it, then `changes` with only the tasks that have changed."""
        identity = str(run_id)
        await runs.version(identity)  # a 404 for an unknown run, not an empty stream
        stream = streams.run_snapshots(
            announcements, identity, lambda since: runs.snapshot(identity, since), *pace
        )
        return StreamingResponse(stream, media_type=streams.MEDIA_TYPE, headers=streams.HEADERS)

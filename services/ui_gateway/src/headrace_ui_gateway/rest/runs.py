"""``/api/v1/runs``: how runs are submitted, found, watched and changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.commands import SubmitRun
from headrace_contracts.etags import names, version_etag
from headrace_contracts.resources import Run, RunPage
from headrace_contracts.states import RunState

from headrace_ui_gateway.rest.description.document import CONFLICT, ETAG, IDEMPOTENCY_KEY, SSE
from headrace_ui_gateway.rest.http.requests import (
    LARGEST_NUMBER,
    IfNoneMatch,
    JsonBody,
    Listing,
    flag,
    new_router,
    tagged,
)
from headrace_ui_gateway.rest.models import Done, RerunPreview
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.live import Live

STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
OPERATIONS = {
    "pause": "Start nothing new; what runs goes on.",
    "resume": "Go on after a pause.",
    "retry": "Let a failed or canceled run go on from what has succeeded.",
    "archive": "Put a run out of sight.",
    "unarchive": "Bring a run back into sight.",
}


def runs_router(
    api: Backend, recorder: Backend, runs: Runs, live: Live, settings: Settings
) -> APIRouter:
    """The routes over the services behind the gateway."""
    router = new_router("runs")
    _add_streams(router, runs, live, settings)

    @router.post("/runs", status_code=201, response_model=Run, responses={200: {}, **CONFLICT})
    async def submit_run(
        request: Annotated[SubmitRun, Depends(JsonBody(SubmitRun))],
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Submit a run. A repeat with the same `Idempotency-Key`, in the same namespace, is
        answered with the run that was made before, as a 200."""
        run, duplicate = await runs.submit(request, idempotency_key)
        tag = version_etag(run.version)
        response = tagged(run.to_json(), tag, status_code=200 if duplicate else 201)
        response.headers["Location"] = f"/api/v1/runs/{run.run_id}"
        return response

    @router.get("/runs")
    async def list_runs(
        listing: Listing,
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
            **listing,
            experiment_id=experiment_id,
            state=state,
            archived=flag(archived),
            recurring_run_id=recurring_run_id,
        )

    @router.get("/runs/{run_id}", response_model=Run, responses=ETAG)
    async def get_run(
        run_id: UUID,
        since: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Read a run with its tasks. With `since`, a version of the run: those of its tasks alone
        that have changed after it."""
        identity = str(run_id)
        if if_none_match is not None:
            version = await runs.version(identity)
            if names(if_none_match, version_etag(version)):
                return tagged(b"", version_etag(version), if_none_match)
        found = await runs.snapshot(identity, since)
        return tagged(found.body, version_etag(found.version))

    @router.delete("/runs/{run_id}")
    async def delete_run(run_id: UUID) -> Done:
        """Delete a run with its artifacts and logs; one that runs is stopped."""
        await runs.delete(run_id)
        return Done()

    @router.post("/runs/{run_id}/cancel", status_code=202, responses=CONFLICT)
    async def cancel_run(run_id: UUID, force: bool = False) -> Done:
        """Stop a run. Its exit tasks still run, unless it is by `force`."""
        body = {"reason": "canceled", "force": force}
        await api.call("POST", f"/runs/{run_id}/cancel", json=body)
        return Done()

    for operation, words in OPERATIONS.items():
        router.add_api_route(
            f"/runs/{{run_id}}/{operation}",
            _operate(runs, operation),
            name=f"{operation}_run",
            methods=["POST"],
            status_code=202,
            description=words,
            responses=CONFLICT,
        )

    @router.get("/runs/{run_id}/rerun-preview", response_model=RerunPreview)
    async def preview_rerun(
        run_id: UUID,
        task: Annotated[tuple[str, ...], Query(description="Paths of the tasks to run anew.")] = (),
    ) -> Response:
        """Tell what a rerun from these tasks would take over, and what it would run."""
        params = {"task": list(task)}
        found = await recorder.call("GET", f"/runs/{run_id}/rerun-preview", params=params)
        return Response(found.content, media_type="application/json")

    return router


def _operate(runs: Runs, operation: str) -> Callable[[UUID], Awaitable[Done]]:
    async def operate(run_id: UUID) -> Done:
        await runs.operate(run_id, operation)
        return Done()

    return operate


def _add_streams(router: APIRouter, runs: Runs, live: Live, settings: Settings) -> None:
    pace = (settings.live_per_second, settings.heartbeat_seconds)

    @router.get("/runs/live", response_class=StreamingResponse, responses=SSE)
    async def watch_runs() -> StreamingResponse:
        """Hear, as server-sent events, when any run has changed: `runs`, without content."""
        return StreamingResponse(
            live.changes(*pace), media_type="text/event-stream", headers=STREAM
        )

    @router.get("/runs/{run_id}/live", response_class=StreamingResponse, responses=SSE)
    async def watch_run(run_id: UUID) -> StreamingResponse:
        """Watch a run to its end as server-sent events: `run`, the run as `get_run` answers, then
        `changes` with those of its tasks alone that have changed."""
        identity = str(run_id)
        await runs.version(identity)  # an unknown run is an error, not an empty stream
        stream = live.snapshots(identity, lambda since: runs.snapshot(identity, since), *pace)
        return StreamingResponse(stream, media_type="text/event-stream", headers=STREAM)

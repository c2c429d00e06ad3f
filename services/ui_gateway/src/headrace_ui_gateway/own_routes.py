"""``/api/v1``: our own API."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from headrace_contracts.commands import SubmitRun
from headrace_contracts.resources import NamespaceLimits, Pipeline, Run, RunPage
from headrace_contracts.states import RunState

from headrace_ui_gateway.backends import Backend, Runs
from headrace_ui_gateway.live import Live
from headrace_ui_gateway.settings import Settings

_LIMIT = Body(embed=True, ge=1, le=1_000_000)
_Namespace = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
_Operation = Literal["pause", "resume", "retry", "archive", "unarchive"]
_STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def own_router(
    api: Backend, recorder: Backend, runs: Runs, live: Live, settings: Settings
) -> APIRouter:
    """The routes over the services behind the gateway."""
    router = APIRouter(prefix="/api/v1")
    pace = (settings.live_per_second, settings.heartbeat_seconds)

    @router.post("/runs", status_code=201)
    async def submit(
        request: SubmitRun,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> Run:
        run, duplicate = await runs.submit(request, idempotency_key)
        response.status_code = 200 if duplicate else 201
        return run

    @router.get("/runs")
    async def list_runs(
        experiment_id: UUID | None = None,
        state: RunState | None = None,
        page_size: Annotated[int, Query(ge=0, le=200)] = 20,
        page_token: str = "",
        namespace: str = "default",
        archived: bool | None = None,
        recurring_run_id: UUID | None = None,
    ) -> RunPage:
        return await recorder.get(
            RunPage,
            "/runs",
            namespace=namespace,
            experiment_id=experiment_id,
            state=state,
            archived=None if archived is None else str(archived).lower(),
            recurring_run_id=recurring_run_id,
            page_size=page_size,
            page_token=page_token or None,
        )

    @router.get("/runs/live")
    async def watch_runs() -> StreamingResponse:
        return StreamingResponse(
            live.changes(*pace), media_type="text/event-stream", headers=_STREAM
        )

    @router.get("/runs/{run_id}", response_model=Run)
    async def get_run(run_id: UUID, since: Annotated[int, Query(ge=0)] = 0) -> Response:
        """With `since`, a version of the run: those of its tasks alone that have changed."""
        found = await runs.snapshot(str(run_id), since)
        return Response(found.body, media_type="application/json")

    @router.get("/runs/{run_id}/live")
    async def watch_run(run_id: UUID) -> StreamingResponse:
        identity = str(run_id)
        await runs.snapshot(identity, 2**62)  # an unknown run is an error, not an empty stream
        stream = live.snapshots(identity, lambda since: runs.snapshot(identity, since), *pace)
        return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAM)

    @router.post("/runs/{run_id}/cancel", status_code=202)
    async def cancel(run_id: UUID, force: bool = False) -> dict[str, Any]:
        """Exit tasks still run, unless it is by force."""
        body = {"reason": "canceled", "force": force}
        await api.call("POST", f"/runs/{run_id}/cancel", json=body)
        return {}

    @router.post("/runs/{run_id}/{operation}", status_code=202)
    async def operate(run_id: UUID, operation: _Operation) -> dict[str, Any]:
        await api.call("POST", f"/runs/{run_id}/{operation}")
        return {}

    @router.delete("/runs/{run_id}")
    async def delete(run_id: UUID) -> dict[str, Any]:
        await api.call("DELETE", f"/runs/{run_id}")
        return {}

    @router.get("/runs/{run_id}/rerun-preview")
    async def rerun_preview(
        run_id: UUID, task: Annotated[tuple[str, ...], Query()] = ()
    ) -> Response:
        """Which tasks a rerun would take over, and which it would run."""
        params = {"task": list(task)}
        found = await recorder.call("GET", f"/runs/{run_id}/rerun-preview", params=params)
        return Response(found.content, media_type="application/json")

    @router.get("/runs/{run_id}/tasks/{task_id}/cache")
    async def cache(run_id: UUID, task_id: UUID) -> Response:
        """Why the task was not found in the cache."""
        found = await recorder.call("GET", f"/runs/{run_id}/tasks/{task_id}/cache")
        return Response(found.content, media_type="application/json")

    @router.get("/runs/{run_id}/events")
    async def events(run_id: UUID, after: int = 0, limit: int = 500) -> Response:
        found = await recorder.call(
            "GET", f"/runs/{run_id}/events", params={"after": after, "limit": limit}
        )
        return Response(found.content, media_type="application/json")

    @router.get("/runs/{run_id}/tasks/{task_id}/log")
    async def log(run_id: UUID, task_id: UUID, offset: int = 0, limit: int = 1024**2) -> Response:
        found = await recorder.call(
            "GET",
            f"/runs/{run_id}/tasks/{task_id}/log",
            params={"offset": offset, "limit": limit},
        )
        kept = {k: v for k, v in found.headers.items() if k.startswith("x-log-")}
        return Response(found.content, media_type="text/plain; charset=utf-8", headers=kept)

    @router.get("/runs/{run_id}/tasks/{task_id}/artifacts/{name}", response_model=None)
    async def artifact(
        run_id: UUID, task_id: UUID, name: str, index: int = 0
    ) -> RedirectResponse | dict[str, Any]:
        """A file is redirected to; of a folder, the links of its files are given."""
        path = f"/runs/{run_id}/tasks/{task_id}/artifacts/{name}"
        found: dict[str, Any] = (await recorder.call("GET", path, params={"index": index})).json()
        return RedirectResponse(found["url"]) if "url" in found else found

    @router.get("/pipelines/{pipeline_id}")
    async def get_pipeline(pipeline_id: UUID) -> Pipeline:
        return await api.get(Pipeline, f"/pipelines/{pipeline_id}")

    @router.patch("/pipelines/{pipeline_id}")
    async def limit_pipeline(
        pipeline_id: UUID, max_active_runs: Annotated[int | None, _LIMIT]
    ) -> Pipeline:
        limit = {"max_active_runs": max_active_runs}
        found = await api.call("PATCH", f"/pipelines/{pipeline_id}", json=limit)
        return Pipeline.model_validate_json(found.content)

    @router.get("/namespaces/{namespace}/limits")
    async def get_limits(namespace: _Namespace) -> NamespaceLimits:
        return await api.get(NamespaceLimits, f"/namespaces/{namespace}/limits")

    @router.put("/namespaces/{namespace}/limits")
    async def limit_namespace(
        namespace: _Namespace, max_active_runs: Annotated[int | None, _LIMIT]
    ) -> NamespaceLimits:
        limit = {"max_active_runs": max_active_runs}
        found = await api.call("PUT", f"/namespaces/{namespace}/limits", json=limit)
        return NamespaceLimits.model_validate_json(found.content)

    return router

"""``/api/v1``: artifacts, their lineage and their content."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse
from headrace_contracts.resources import ArtifactPage, ArtifactRecord, ArtifactTaskPage

from headrace_ui_gateway.rest.description.document import ETAG, REDIRECT
from headrace_ui_gateway.rest.http.parameters import IfNoneMatch, ListQuery, Paging, with_filters
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import Files
from headrace_ui_gateway.upstream.client import ServiceClient

_Direction = Annotated[
    Literal["INPUT", "OUTPUT"] | None,
    Query(description="Only the uses as an input, or only as an output."),
]


def artifacts_router(recorder: ServiceClient) -> APIRouter:
    """The routes of artifacts."""
    router = new_router("artifacts")

    @router.get("/artifacts")
    async def list_artifacts(
        query: ListQuery,
        run_id: UUID | None = None,
        task_id: UUID | None = None,
        type: Annotated[
            str | None, Query(max_length=255, description="For example `system.Model`.")
        ] = None,
    ) -> ArtifactPage:
        """List artifacts, newest first. Fields of `filter` and `sort_by`: artifact_id, name, type,
        uri, created_at, run_id, task_id."""
        run = None if run_id is None else str(run_id)
        task = None if task_id is None else str(task_id)
        params = with_filters(query, run_id=run, task_id=task, type=type)
        return await recorder.get(ArtifactPage, "/artifacts", **params)

    @router.get("/artifacts/{artifact_id}", response_model=ArtifactRecord, responses=ETAG)
    async def get_artifact(artifact_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read the record of an artifact."""
        found = await recorder.get(ArtifactRecord, f"/artifacts/{artifact_id}")
        return resource_response(found, if_none_match)

    @router.get("/artifacts/{artifact_id}/tasks")
    async def list_artifact_tasks(
        artifact_id: UUID, paging: Paging, type: _Direction = None
    ) -> ArtifactTaskPage:
        """List an artifact's lineage: the task that produced it and the tasks that used it."""
        await recorder.call("GET", f"/artifacts/{artifact_id}")  # a 404 if it is unknown
        return await recorder.get(
            ArtifactTaskPage, "/artifact-tasks", artifact_id=artifact_id, type=type, **paging
        )

    @router.get("/tasks/{task_id}/artifacts")
    async def list_task_artifacts(
        task_id: UUID, paging: Paging, type: _Direction = None
    ) -> ArtifactTaskPage:
        """List a task's lineage: the artifacts that it used and those that it produced."""
        await recorder.call("GET", f"/tasks/{task_id}")  # a 404 if it is unknown
        return await recorder.get(
            ArtifactTaskPage, "/artifact-tasks", task_id=task_id, type=type, **paging
        )

    _add_downloads(router, recorder)
    return router


def _add_downloads(router: APIRouter, recorder: ServiceClient) -> None:
    @router.get("/artifacts/{artifact_id}/content", response_model=Files, responses=REDIRECT)
    async def get_artifact_content(artifact_id: UUID) -> Response:
        """Download an artifact. For a file the answer is a redirect, for a folder a list of links
        to its files."""
        return await content(f"/artifacts/{artifact_id}/content")

    @router.get(
        "/runs/{run_id}/tasks/{task_id}/artifacts/{name}",
        response_model=Files,
        responses=REDIRECT,
    )
    async def get_output(
        run_id: UUID,
        task_id: UUID,
        name: Annotated[str, Path(max_length=1000)],
        index: Annotated[int, Query(ge=0, le=1_000_000, description="Within a list.")] = 0,
    ) -> Response:
        """Download a task's output artifact by its name. For a file the answer is a redirect, for a
        folder a list of links to its files."""
        path = f"/runs/{run_id}/tasks/{task_id}/artifacts/{quote(name, safe='')}"
        return await content(path, index=index)

    async def content(path: str, **params: Any) -> Response:
        """What the recorder links to."""
        answer = await recorder.call("GET", path, params=params)
        found: dict[str, Any] = answer.json()
        if "url" in found:
            return RedirectResponse(found["url"])
        return Response(answer.content, media_type="application/json")

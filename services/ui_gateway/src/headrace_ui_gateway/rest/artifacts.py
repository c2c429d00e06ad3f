"""``/api/v1``: artifacts, which tasks made and used them, and their content."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import ArtifactPage, ArtifactRecord, ArtifactTaskPage, Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.rest.description.document import ETAG, REDIRECT
from headrace_ui_gateway.rest.http.requests import (
    IfNoneMatch,
    Listing,
    Paging,
    answered,
    narrowed,
    new_router,
)
from headrace_ui_gateway.rest.models import Files
from headrace_ui_gateway.upstream.client import Backend

_Type = Annotated[
    Literal["INPUT", "OUTPUT"] | None, Query(description="Those alone that used it, or made it.")
]


def artifacts_router(recorder: Backend) -> APIRouter:
    """The routes over the recorder."""
    router = new_router("artifacts")

    @router.get("/artifacts")
    async def list_artifacts(
        listing: Listing,
        run_id: UUID | None = None,
        task_id: UUID | None = None,
        type: Annotated[
            str | None, Query(max_length=255, description="For instance `system.Model`.")
        ] = None,
    ) -> ArtifactPage:
        """List artifacts, newest first. Fields of `filter` and `sort_by`: artifact_id, name, type,
        uri, created_at, run_id, task_id."""
        run = None if run_id is None else str(run_id)
        task = None if task_id is None else str(task_id)
        asked = narrowed(listing, run_id=run, task_id=task, type=type)
        return await recorder.get(ArtifactPage, "/artifacts", **asked)

    @router.get("/artifacts/{artifact_id}", response_model=ArtifactRecord, responses=ETAG)
    async def get_artifact(artifact_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read what is known of an artifact."""
        found = await recorder.get(ArtifactRecord, f"/artifacts/{artifact_id}")
        return answered(found, if_none_match)

    @router.get("/artifacts/{artifact_id}/tasks")
    async def list_artifact_tasks(
        artifact_id: UUID, paging: Paging, type: _Type = None
    ) -> ArtifactTaskPage:
        """List an artifact's lineage: the tasks that made it and those that used it."""
        await recorder.call("GET", f"/artifacts/{artifact_id}")
        return await recorder.get(
            ArtifactTaskPage, "/artifact-tasks", artifact_id=artifact_id, type=type, **paging
        )

    @router.get("/tasks/{task_id}/artifacts")
    async def list_task_artifacts(
        task_id: UUID, paging: Paging, type: _Type = None
    ) -> ArtifactTaskPage:
        """List a task's lineage: the artifacts that it used and those that it made."""
        await recorder.call("GET", f"/tasks/{task_id}")
        return await recorder.get(
            ArtifactTaskPage, "/artifact-tasks", task_id=task_id, type=type, **paging
        )

    @router.get("/artifacts/{artifact_id}/content", response_model=Files, responses=REDIRECT)
    async def get_artifact_content(artifact_id: UUID) -> Response:
        """Download an artifact: a file is redirected to, of a folder the links of its files are
        given."""
        found = await recorder.get(ArtifactRecord, f"/artifacts/{artifact_id}")
        task = await recorder.get(Task, f"/tasks/{found.task_id}")
        made = task.outputs.artifacts.get(found.output, ())
        places = [at for at, one in enumerate(made) if one.artifact_id == artifact_id]
        if not places:
            raise RejectedError.because(
                RejectionCode.NOT_FOUND, f"artifact {artifact_id} is gone", "artifact_id"
            )
        return await content(found.run_id, found.task_id, found.output, places[0])

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
        """Download a task's output artifact by name: a file is redirected to, of a folder the
        links of its files are given."""
        return await content(run_id, task_id, name, index)

    async def content(run_id: UUID, task_id: UUID, output: str, index: int) -> Response:
        path = f"/runs/{run_id}/tasks/{task_id}/artifacts/{quote(output, safe='')}"
        answer = await recorder.call("GET", path, params={"index": index})
        found: dict[str, Any] = answer.json()
        if "url" in found:
            return RedirectResponse(found["url"])
        return Response(answer.content, media_type="application/json")

    return router

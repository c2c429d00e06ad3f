"""Artifacts, tasks and lineage, read-only.

In KFP the launchers write them here. Headrace records them from events and rejects writes.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from headrace_contracts.resources import (
    ArtifactPage,
    ArtifactRecord,
    ArtifactTaskPage,
    Task,
    TaskPage,
)

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    NOT_SUPPORTED,
    KfpContext,
    Paged,
    Text,
    error_response,
    message_response,
)
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.artifacts import (
    ArtifactTaskType,
    V2beta1Artifact,
    V2beta1ListArtifactsResponse,
    V2beta1ListArtifactTasksResponse,
    V2beta1ListTasksResponse,
    V2beta1Task,
)
from headrace_ui_gateway.kfp.messages.wire import ByNumber
from headrace_ui_gateway.kfp.translate.artifacts import (
    artifact,
    artifact_tasks,
    artifacts,
    task,
    tasks,
)
from headrace_ui_gateway.kfp.translate.lists import ARTIFACT_TASKS, ARTIFACTS, TASKS, Paging

_READ_ONLY = "not supported: tasks and artifacts are recorded from events and are read-only"
REPEATABLE_PARAMETERS = frozenset({"task_ids", "run_ids", "artifact_ids"})
"""The query parameters that may be repeated."""
_Ids = Annotated[list[Text], Query(max_length=200)]


def artifact_router(context: KfpContext) -> APIRouter:
    """The routes of artifacts and tasks."""
    router = APIRouter(prefix="/v2beta1", tags=["Artifacts and tasks"], responses=ERRORS)
    recorder, multi_user = context.recorder, context.multi_user

    @router.get(
        "/artifacts",
        operation_id="ArtifactService_ListArtifacts",
        response_model=V2beta1ListArtifactsResponse,
    )
    async def list_artifacts(paging: Paged, namespace: Text = "") -> Response:
        parameters = context.list_params(ARTIFACTS, paging, namespace)
        page = await recorder.get(ArtifactPage, "/artifacts", **parameters)
        return message_response(artifacts(page, multi_user=multi_user))

    @router.get(
        "/artifacts/{artifact_id:kfp_id}",
        operation_id="ArtifactService_GetArtifact",
        response_model=V2beta1Artifact,
    )
    async def get_artifact(artifact_id: str) -> Response:
        path = f"/artifacts/{errors.parse_id(artifact_id, 'artifact')}"
        found = await recorder.get(ArtifactRecord, path)
        return message_response(artifact(found, multi_user=multi_user))

    @router.get(
        "/artifact_tasks",
        operation_id="ArtifactService_ListArtifactTasks",
        response_model=V2beta1ListArtifactTasksResponse,
    )
    async def list_artifact_tasks(
        paging: Paged,
        task_ids: _Ids = [],  # noqa: B006 - copied by the framework
        run_ids: _Ids = [],  # noqa: B006
        artifact_ids: _Ids = [],  # noqa: B006
        type: Annotated[
            Annotated[ArtifactTaskType, ByNumber()], Query()
        ] = ArtifactTaskType.TYPE_UNSPECIFIED,
    ) -> Response:
        """List the inputs and outputs of tasks that match every given parameter."""
        wanted = {
            "task_id": [str(errors.parse_id(one, "task")) for one in task_ids],
            "run_id": [str(errors.parse_id(one, "run")) for one in run_ids],
            "artifact_id": [str(errors.parse_id(one, "artifact")) for one in artifact_ids],
        }
        parameters = context.list_params(ARTIFACT_TASKS, paging)
        page = await recorder.get(
            ArtifactTaskPage,
            "/artifact-tasks",
            **{name: value for name, value in wanted.items() if value},
            type=None if type is ArtifactTaskType.TYPE_UNSPECIFIED else type.value,
            **parameters,
        )
        return message_response(artifact_tasks(page))

    @router.get(
        "/tasks", operation_id="RunService_ListTasks", response_model=V2beta1ListTasksResponse
    )
    async def list_tasks(
        paging: Paged,
        run_id: Text = "",
        parent_id: Text = "",
        namespace: Text = "",
        order_by: Annotated[Text, Query(description="The same as `sort_by`")] = "",
    ) -> Response:
        """List the tasks of a run, or those inside one task."""
        paging_or_order = Paging(
            paging.page_token, paging.page_size, paging.sort_by or order_by, paging.filter
        )
        parameters = context.list_params(TASKS, paging_or_order, namespace)
        if parent_id:
            parameters["parent_task_id"] = str(errors.parse_id(parent_id, "task"))
        if run_id:
            run = str(errors.parse_id(run_id, "run"))
            page = await context.runs.part(TaskPage, run, "/tasks", run_id=run, **parameters)
        else:
            page = await recorder.get(TaskPage, "/tasks", **parameters)
        return message_response(tasks(page))

    @router.get(
        "/tasks/{task_id:kfp_id}", operation_id="RunService_GetTask", response_model=V2beta1Task
    )
    async def get_task(task_id: str) -> Response:
        found = await recorder.get(Task, f"/tasks/{errors.parse_id(task_id, 'task')}")
        return message_response(task(found))

    return router


def artifact_write_router() -> APIRouter:
    """The routes by which KFP's launchers write. They answer 501."""
    router = APIRouter(prefix="/v2beta1", tags=["Artifacts and tasks"], responses=NOT_SUPPORTED)

    @router.post("/artifacts", operation_id="ArtifactService_CreateArtifact", status_code=501)
    @router.post(
        "/artifact_tasks", operation_id="ArtifactService_CreateArtifactTask", status_code=501
    )
    @router.post("/tasks", operation_id="RunService_CreateTask", status_code=501)
    async def create() -> Response:
        return error_response(errors.UNIMPLEMENTED, _READ_ONLY)

    @router.put(
        "/artifacts/{artifact_id:kfp_id}",
        operation_id="ArtifactService_UpdateArtifact",
        status_code=501,
    )
    async def update_artifact(artifact_id: str) -> Response:
        return error_response(errors.UNIMPLEMENTED, _READ_ONLY)

    @router.patch("/tasks/{task_id:kfp_id}", operation_id="RunService_UpdateTask", status_code=501)
    async def update_task(task_id: str) -> Response:
        return error_response(errors.UNIMPLEMENTED, _READ_ONLY)

    return router

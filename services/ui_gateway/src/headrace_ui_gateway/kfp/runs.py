"""``/apis/v2beta1/runs``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from headrace_contracts.resources import RunPage

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    STORABLE,
    KfpContext,
    Paged,
    Text,
    conflicts_as,
    message_response,
)
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import Empty
from headrace_ui_gateway.kfp.messages.runs import (
    RuntimeState,
    V2beta1ListRunsResponse,
    V2beta1Run,
)
from headrace_ui_gateway.kfp.translate.lists import RUNS
from headrace_ui_gateway.kfp.translate.runs import run, runs, submit_request


def run_router(context: KfpContext) -> APIRouter:
    """The routes of runs. Each accepts the deprecated `experiment_id`. Only creation uses it, if
    the body names no experiment."""
    router = APIRouter(prefix="/v2beta1/runs", tags=["Runs"], responses=ERRORS)
    api, recorder = context.api, context.recorder

    @router.get("", operation_id="RunService_ListRuns", response_model=V2beta1ListRunsResponse)
    async def list_runs(paging: Paged, namespace: Text = "", experiment_id: Text = "") -> Response:
        """List runs, without their specs and tasks."""
        parameters = await context.list_params_of_experiment(RUNS, paging, namespace, experiment_id)
        return message_response(runs(await recorder.get(RunPage, "/runs", **parameters)))

    @router.post("", operation_id="RunService_CreateRun", response_model=V2beta1Run)
    async def create(
        body: Annotated[V2beta1Run, STORABLE, Body()], experiment_id: Text = ""
    ) -> Response:
        namespace = await context.namespace_of_experiment(body.experiment_id or experiment_id)
        made, _ = await context.runs.submit(submit_request(body, namespace, experiment_id))
        return message_response(run(made).model_copy(update={"state": RuntimeState.PENDING}))

    @router.get("/{run_id:kfp_id}", operation_id="RunService_GetRun", response_model=V2beta1Run)
    async def get(run_id: str, experiment_id: Text = "") -> Response:
        """Read a run with all of its tasks."""
        found = await context.runs.get(str(errors.parse_id(run_id, "run")))
        document = None
        if found.pipeline.pipeline_version_id is None:
            document = (await api.call("GET", f"{_path(run_id)}/document")).json()
        return message_response(run(found, document))

    @router.delete("/{run_id:kfp_id}", operation_id="RunService_DeleteRun", response_model=Empty)
    async def delete(run_id: str, experiment_id: Text = "") -> Response:
        """Delete a run with its artifacts and logs. A running run is stopped first."""
        await context.runs.delete(errors.parse_id(run_id, "run"))
        return message_response(Empty())

    @router.post(
        "/{run_id:kfp_id}:terminate",
        operation_id="RunService_TerminateRun",
        response_model=Empty,
    )
    async def terminate(run_id: str, experiment_id: Text = "") -> Response:
        """Terminate a run. Its exit tasks still run, and it ends as FAILED."""
        before = await context.runs.state(str(errors.parse_id(run_id, "run")))
        async with conflicts_as(errors.INVALID_ARGUMENT):
            await api.call("POST", f"{_path(run_id)}/cancel", json={"reason": "terminated"})
        if before is not None and before.final:  # last: callers without the right get a 403
            raise errors.invalid(f"run {run_id} has already ended: {before}", "run_id")
        return message_response(Empty())

    @router.post("/{run_id:kfp_id}:retry", operation_id="RunService_RetryRun", response_model=Empty)
    async def retry(run_id: str, experiment_id: Text = "") -> Response:
        """Retry a failed run, keeping tasks that succeeded."""
        async with conflicts_as(errors.ABORTED):
            await context.runs.operate(errors.parse_id(run_id, "run"), "retry")
        return message_response(Empty())

    @router.post(
        "/{run_id:kfp_id}:archive", operation_id="RunService_ArchiveRun", response_model=Empty
    )
    async def archive(run_id: str, experiment_id: Text = "") -> Response:
        """Archive a run. A running run continues."""
        await context.runs.operate(errors.parse_id(run_id, "run"), "archive")
        return message_response(Empty())

    @router.post(
        "/{run_id:kfp_id}:unarchive",
        operation_id="RunService_UnarchiveRun",
        response_model=Empty,
    )
    async def unarchive(run_id: str, experiment_id: Text = "") -> Response:
        """Restore an archived run. Rejected while its experiment is archived."""
        async with conflicts_as(errors.FAILED_PRECONDITION):
            await context.runs.operate(errors.parse_id(run_id, "run"), "unarchive")
        return message_response(Empty())

    return router


def _path(run_id: str) -> str:
    return f"/runs/{errors.parse_id(run_id, 'run')}"

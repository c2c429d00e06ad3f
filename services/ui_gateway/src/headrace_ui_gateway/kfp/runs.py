"""``/apis/v2beta1/runs``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from headrace_contracts.resources import RunPage

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    STORABLE,
    Paged,
    Parts,
    Text,
    answer,
    conflicts_as,
)
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.messages.resources import Empty
from headrace_ui_gateway.kfp.messages.runs import (
    RuntimeState,
    V2beta1ListRunsResponse,
    V2beta1Run,
)
from headrace_ui_gateway.kfp.translate.lists import RUNS
from headrace_ui_gateway.kfp.translate.runs import run, runs, submit_request
from headrace_ui_gateway.upstream.client import Runs

_STATE_ONLY = 2**62
"""A version that no run has: of one asked for since then, no task is told."""


def kfp_run_router(parts: Parts, known: Runs) -> APIRouter:
    """The routes of runs. Each takes the deprecated `experiment_id` and needs it for nothing, but
    for creation, where it counts if the run itself names no experiment."""
    router = APIRouter(prefix="/v2beta1/runs", tags=["Runs"], responses=ERRORS)
    api, recorder = parts.api, parts.recorder

    @router.get("", operation_id="RunService_ListRuns", response_model=V2beta1ListRunsResponse)
    async def list_runs(paging: Paged, namespace: Text = "", experiment_id: Text = "") -> Response:
        """Without their specs and tasks."""
        parameters = await parts.asked_of(RUNS, paging, namespace, experiment_id)
        return answer(runs(await recorder.get(RunPage, "/runs", **parameters)))

    @router.post("", operation_id="RunService_CreateRun", response_model=V2beta1Run)
    async def create(
        body: Annotated[V2beta1Run, STORABLE, Body()], experiment_id: Text = ""
    ) -> Response:
        namespace = await parts.home_of(body.experiment_id or experiment_id)
        made, _ = await known.submit(submit_request(body, namespace, experiment_id))
        return answer(run(made).model_copy(update={"state": RuntimeState.PENDING}))

    @router.get("/{run_id:kfp_id}", operation_id="RunService_GetRun", response_model=V2beta1Run)
    async def get(run_id: str, experiment_id: Text = "") -> Response:
        """With all of its tasks."""
        found = await known.get(str(kfp.identity(run_id, "run")))
        document = None
        if found.pipeline.pipeline_version_id is None:
            document = (await api.call("GET", f"{_path(run_id)}/document")).json()
        return answer(run(found, document))

    @router.delete("/{run_id:kfp_id}", operation_id="RunService_DeleteRun", response_model=Empty)
    async def delete(run_id: str, experiment_id: Text = "") -> Response:
        """With all that it made; if it runs, it is stopped."""
        await known.delete(kfp.identity(run_id, "run"))
        return answer(Empty())

    @router.post(
        "/{run_id:kfp_id}:terminate",
        operation_id="RunService_TerminateRun",
        response_model=Empty,
    )
    async def terminate(run_id: str, experiment_id: Text = "") -> Response:
        """Its exit tasks still run; it ends as FAILED."""
        before = await known.snapshot(str(kfp.identity(run_id, "run")), _STATE_ONLY)
        async with conflicts_as(kfp.INVALID_ARGUMENT):
            await api.call("POST", f"{_path(run_id)}/cancel", json={"reason": "terminated"})
        if before.state.final:  # said only now, to who may terminate it
            raise kfp.invalid(f"run {run_id} has ended: {before.state}", "run_id")
        return answer(Empty())

    @router.post("/{run_id:kfp_id}:retry", operation_id="RunService_RetryRun", response_model=Empty)
    async def retry(run_id: str, experiment_id: Text = "") -> Response:
        """What has succeeded stays; only a run that has failed can be retried."""
        async with conflicts_as(kfp.ABORTED):
            await known.operate(kfp.identity(run_id, "run"), "retry")
        return answer(Empty())

    @router.post(
        "/{run_id:kfp_id}:archive", operation_id="RunService_ArchiveRun", response_model=Empty
    )
    async def archive(run_id: str, experiment_id: Text = "") -> Response:
        """It goes on if it runs."""
        await known.operate(kfp.identity(run_id, "run"), "archive")
        return answer(Empty())

    @router.post(
        "/{run_id:kfp_id}:unarchive",
        operation_id="RunService_UnarchiveRun",
        response_model=Empty,
    )
    async def unarchive(run_id: str, experiment_id: Text = "") -> Response:
        """Refused while its experiment is archived."""
        async with conflicts_as(kfp.FAILED_PRECONDITION):
            await known.operate(kfp.identity(run_id, "run"), "unarchive")
        return answer(Empty())

    return router


def _path(run_id: str) -> str:
    return f"/runs/{kfp.identity(run_id, 'run')}"

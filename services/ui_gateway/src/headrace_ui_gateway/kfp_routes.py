"""``/apis/v2beta1``: the part of KFP's API that its client needs to submit, wait and read."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import (
    Experiment,
    ExperimentPage,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    RunPage,
)
from headrace_runtime.errors import RejectedError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from headrace_ui_gateway.backends import Backend, Runs
from headrace_ui_gateway.core import kfp
from headrace_ui_gateway.kfp_requests import json_body, list_query, page_of, query, unsupported

PREFIX = "/apis/v2beta1"


def kfp_router(
    api: Backend, recorder: Backend, runs: Runs, max_bytes: int, multi_user: bool = False
) -> APIRouter:
    """The routes; every error has the shape that KFP's client reads."""
    router = APIRouter(prefix=PREFIX)

    @router.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {"multi_user": multi_user, "pipeline_store": "database"}

    @router.get("/experiments")
    async def list_experiments(request: Request) -> dict[str, Any]:
        asked = list_query(request, {"name": kfp.name_filter(query(request, "filter"))})
        page = await api.get(ExperimentPage, "/experiments", **asked)
        return page_of("experiments", [kfp.experiment(e) for e in page.experiments], page)

    @router.post("/experiments")
    async def create_experiment(request: Request) -> dict[str, Any]:
        body = await json_body(request)
        content = {
            "display_name": body.get("display_name", ""),
            "description": body.get("description", ""),
            "namespace": kfp.NAMESPACE,
        }
        made = await api.send(Experiment, "/experiments", json.dumps(content).encode())
        return kfp.experiment(made)

    @router.get("/experiments/{experiment_id}")
    async def get_experiment(experiment_id: str) -> dict[str, Any]:
        return kfp.experiment(await api.get(Experiment, f"/experiments/{experiment_id}"))

    @router.get("/runs")
    async def list_runs(request: Request) -> dict[str, Any]:
        if query(request, "filter"):
            raise unsupported("filter of runs", "filter")
        experiment = query(request, "experiment_id") or None
        asked = list_query(request, {"experiment_id": experiment})
        page = await recorder.get(RunPage, "/runs", **asked)
        return page_of("runs", [kfp.run(run) for run in page.runs], page)

    @router.post("/runs")
    async def create_run(request: Request) -> dict[str, Any]:
        body = await json_body(request)
        run, _ = await runs.submit(kfp.submit_request(body))
        return {**kfp.run(run), "state": "PENDING"}

    @router.get("/runs/{run_id}")
    async def get_run(run_id: str) -> dict[str, Any]:
        run = await runs.get(run_id)
        document = (await api.call("GET", f"/runs/{run_id}/document")).json()
        return kfp.run(run, document)

    @router.post("/runs/{run_id}:terminate")
    async def terminate_run(run_id: str) -> dict[str, Any]:
        run = await runs.get(run_id)
        if run.state.final:
            raise RejectedError.because(
                RejectionCode.MALFORMED, f"run {run_id} has ended: {run.state}", "run_id"
            )
        await api.call("POST", f"/runs/{run_id}/cancel", json={"reason": "terminated"})
        return {}

    @router.post("/runs/{run_id}:retry")
    async def retry_run(run_id: UUID) -> dict[str, Any]:
        await api.call("POST", f"/runs/{run_id}/retry")
        return {}

    @router.post("/runs/{run_id}:archive")
    async def archive_run(run_id: UUID) -> dict[str, Any]:
        await api.call("POST", f"/runs/{run_id}/archive")
        return {}

    @router.post("/runs/{run_id}:unarchive")
    async def unarchive_run(run_id: UUID) -> dict[str, Any]:
        await api.call("POST", f"/runs/{run_id}/unarchive")
        return {}

    @router.delete("/runs/{run_id}")
    async def delete_run(run_id: UUID) -> dict[str, Any]:
        await api.call("DELETE", f"/runs/{run_id}")
        return {}

    @router.post("/pipelines/upload")
    async def upload(request: Request) -> Response:
        try:
            name, package = await _uploaded(request, max_bytes)
            params = {
                "name": query(request, "name") or query(request, "display_name") or name,
                "display_name": query(request, "display_name"),
                "description": query(request, "description"),
            }
            made = await api.send(Pipeline, "/pipelines", package, **params)
        except RejectedError as error:
            return _upload_error(error)
        return Response(json.dumps(kfp.pipeline(made)), media_type="application/json")

    @router.post("/pipelines/upload_version")
    async def upload_version(request: Request) -> Response:
        try:
            name, package = await _uploaded(request, max_bytes)
            params = {
                "name": query(request, "name") or query(request, "display_name") or name,
                "description": query(request, "description"),
            }
            pipeline_id = query(request, "pipelineid")
            path = f"/pipelines/{pipeline_id}/versions"
            made = await api.send(PipelineVersion, path, package, **params)
        except RejectedError as error:
            return _upload_error(error)
        return Response(json.dumps(kfp.version(made)), media_type="application/json")

    @router.get("/pipelines")
    async def list_pipelines(request: Request) -> dict[str, Any]:
        asked = list_query(request, {"name": kfp.name_filter(query(request, "filter"))})
        page = await api.get(PipelinePage, "/pipelines", **asked)
        return page_of("pipelines", [kfp.pipeline(p) for p in page.pipelines], page)

    @router.get("/pipelines/{pipeline_id}")
    async def get_pipeline(pipeline_id: str) -> dict[str, Any]:
        return kfp.pipeline(await api.get(Pipeline, f"/pipelines/{pipeline_id}"))

    @router.get("/pipelines/{pipeline_id}/versions")
    async def list_versions(pipeline_id: str, request: Request) -> dict[str, Any]:
        if query(request, "filter"):
            raise unsupported("filter of versions", "filter")
        asked = list_query(request, {})
        asked.pop("namespace")
        page = await api.get(PipelineVersionPage, f"/pipelines/{pipeline_id}/versions", **asked)
        found = [kfp.version(version) for version in page.pipeline_versions]
        return page_of("pipeline_versions", found, page)

    @router.get("/pipelines/{pipeline_id}/versions/{version_id}")
    async def get_version(pipeline_id: str, version_id: str) -> dict[str, Any]:
        path = f"/pipelines/{pipeline_id}/versions/{version_id}"
        return kfp.version(await api.get(PipelineVersion, path))

    @router.api_route(
        "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    async def not_built(path: str, request: Request) -> Response:
        message = f"{request.method} {PREFIX}/{path} is not supported yet"
        body = kfp.status_of(12, message)
        return Response(json.dumps(body), 501, media_type="application/json")

    return router


async def _uploaded(request: Request, limit: int) -> tuple[str, bytes]:
    """The uploaded file's name and content, read no further than the limit."""
    too_large = RejectedError.because(
        RejectionCode.TOO_LARGE, f"the upload is larger than {limit // 1024**2} MiB", "uploadfile"
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit + 65536:
        raise too_large
    received = 0
    receive = request.receive

    async def counted() -> Any:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit + 65536:
            raise too_large
        return message

    counting = Request(request.scope, counted)
    try:
        async with counting.form() as form:
            file = form.get("uploadfile")
            if not isinstance(file, UploadFile):
                raise RejectedError.because(
                    RejectionCode.MALFORMED, "the upload has no file 'uploadfile'", "uploadfile"
                )
            return file.filename or "pipeline", await file.read()
    except MultiPartException as error:
        raise RejectedError.because(RejectionCode.MALFORMED, error.message) from None


def _upload_error(error: RejectedError) -> Response:
    from headrace_runtime.http import STATUS

    message = error.rejection.message
    body = {"error_message": message, "error_details": message}
    return Response(json.dumps(body), STATUS[error.rejection.code], media_type="application/json")

"""What a run's task left, by the paths of KFP that are no part of its generated client: the bytes
of an artifact, and the log."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.kfp.http import ERRORS, Parts, Text, answer
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.messages.runs import ReadArtifactResponse
from headrace_ui_gateway.kfp.translate.nodes import node_of, uri_of
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.downloads import fetched

_LARGEST_ARTIFACT = 32 * 1024 * 1024
"""In base64 it is in memory three times, and KFP reads whole artifacts of this way for its UI
alone; what is larger is fetched by a link."""
_LOG_PART = 1024 * 1024
_FOLLOW_SECONDS = 0.5
_LOG: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The log"}
}


def kfp_node_router(parts: Parts, known: Runs) -> APIRouter:
    """The routes. A node is a task, by its id or by its name where only one task has it."""
    router = APIRouter(tags=["Nodes"], responses=ERRORS)
    recorder = parts.recorder

    async def find(run_id: str, node: str) -> Task:
        run = await known.get(str(kfp.identity(run_id, "run")))
        return node_of(run, node)

    @router.get(
        "/v2beta1/runs/{run_id:kfp_id}/nodes/{node_id}/artifacts/{artifact_name}:read",
        operation_id="RunService_ReadArtifact",
        response_model=ReadArtifactResponse,
    )
    async def read(run_id: str, node_id: Text, artifact_name: Text) -> Response:
        """The first file at one of the task's outputs."""
        task = await find(run_id, node_id)
        path = f"/runs/{run_id}/tasks/{task.task_id}/artifacts/{quote(artifact_name, safe='')}"
        url = (await recorder.call("GET", path)).json().get("url")
        if url is None or url == uri_of(task, artifact_name):  # an address that anybody can name
            raise kfp.KfpError(
                kfp.FAILED_PRECONDITION,
                f"artifact {artifact_name!r} is not one file in the deployment's object store",
            )
        content, whole = await fetched(url, _LARGEST_ARTIFACT)
        if not whole:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE,
                f"the artifact is larger than {_LARGEST_ARTIFACT // 1024**2} MiB",
            )
        return answer(ReadArtifactResponse(data=base64.b64encode(content).decode()))

    @router.get(
        "/v1alpha1/runs/{run_id:kfp_id}/nodes/{node_id}/log",
        operation_id="ReadRunLog",
        response_class=StreamingResponse,
        responses=_LOG,
    )
    async def log(
        run_id: str, node_id: Text, follow: Annotated[bool, Query()] = False
    ) -> StreamingResponse:
        """A task's log; with `follow`, as it grows, to the task's end."""
        task = await find(run_id, node_id)
        path = f"/runs/{run_id}/tasks/{task.task_id}/log"
        first = await _part(recorder, path, 0)
        return StreamingResponse(
            _log(recorder, path, first, follow), media_type="text/plain; charset=utf-8"
        )

    return router


async def _part(recorder: Backend, path: str, offset: int) -> httpx.Response:
    return await recorder.call("GET", path, params={"offset": offset, "limit": _LOG_PART})


async def _log(
    recorder: Backend, path: str, part: httpx.Response, follow: bool
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        yield part.content
        offset += len(part.content)
        if offset >= int(part.headers["X-Log-Size"]):
            if not follow or part.headers["X-Log-Complete"] == "true":
                return
            await asyncio.sleep(_FOLLOW_SECONDS)
        part = await _part(recorder, path, offset)

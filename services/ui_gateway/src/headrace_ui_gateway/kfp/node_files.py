"""The bytes of an artifact and the log of a task, at KFP's paths below ``runs/{id}/nodes``. Its
generated client does not include them; its own UI uses them."""

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

from headrace_ui_gateway.kfp.http import ERRORS, KfpContext, Text, message_response
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.runs import ReadArtifactResponse
from headrace_ui_gateway.kfp.translate.nodes import node_of, output_uri
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.downloads import download

_LARGEST_ARTIFACT = 32 * 1024 * 1024
"""Bytes. As base64 the content is in memory three times; larger artifacts are downloaded by a
link."""
_LOG_PART = 1024 * 1024
_FOLLOW_SECONDS = 0.5
_LOG: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The log"}
}


def node_file_router(context: KfpContext) -> APIRouter:
    """The routes. A node is a task, by its id, or by its name if only one task has it."""
    router = APIRouter(tags=["Nodes"], responses=ERRORS)
    recorder = context.recorder

    async def find(run_id: str, node: str) -> Task:
        run = await context.runs.get(str(errors.parse_id(run_id, "run")))
        return node_of(run, node)

    @router.get(
        "/v2beta1/runs/{run_id:kfp_id}/nodes/{node_id}/artifacts/{artifact_name}:read",
        operation_id="RunService_ReadArtifact",
        response_model=ReadArtifactResponse,
    )
    async def read(run_id: str, node_id: Text, artifact_name: Text) -> Response:
        """Read the first file of a task's output."""
        task = await find(run_id, node_id)
        path = f"/runs/{run_id}/tasks/{task.task_id}/artifacts/{quote(artifact_name, safe='')}"
        url = (await recorder.call("GET", path)).json().get("url")
        # The recorder returns an address outside of the object store unchanged. The gateway must
        # not fetch it: a step can name any address.
        if url is None or url == output_uri(task, artifact_name):
            raise errors.KfpError(
                errors.FAILED_PRECONDITION,
                f"artifact {artifact_name!r} is not a single file in the deployment's object store",
            )
        content, whole = await download(url, _LARGEST_ARTIFACT)
        if not whole:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE,
                f"the artifact is larger than {_LARGEST_ARTIFACT // 1024**2} MiB",
            )
        return message_response(ReadArtifactResponse(data=base64.b64encode(content).decode()))

    @router.get(
        "/v1alpha1/runs/{run_id:kfp_id}/nodes/{node_id}/log",
        operation_id="ReadRunLog",
        response_class=StreamingResponse,
        responses=_LOG,
    )
    async def log(
        run_id: str, node_id: Text, follow: Annotated[bool, Query()] = False
    ) -> StreamingResponse:
        """Read a task's log; with `follow`, stream it until the task ends."""
        task = await find(run_id, node_id)
        path = f"/runs/{run_id}/tasks/{task.task_id}/log"
        first = await _read_part(recorder, path, 0)
        return StreamingResponse(
            _log_stream(recorder, path, first, follow), media_type="text/plain; charset=utf-8"
        )

    return router


async def _read_part(recorder: ServiceClient, path: str, offset: int) -> httpx.Response:
    return await recorder.call("GET", path, params={"offset": offset, "limit": _LOG_PART})


async def _log_stream(
    recorder: ServiceClient, path: str, part: httpx.Response, follow: bool
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        yield part.content
        offset += len(part.content)
        if offset >= int(part.headers["X-Log-Size"]):
            if not follow or part.headers["X-Log-Complete"] == "true":
                return
            await asyncio.sleep(_FOLLOW_SECONDS)
        part = await _read_part(recorder, path, offset)

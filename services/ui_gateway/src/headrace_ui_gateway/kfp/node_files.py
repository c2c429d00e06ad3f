"""The bytes of an artifact and the log of a task, at KFP's paths below ``runs/{id}/nodes``. Its
generated client does not include them; its own UI uses them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
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
from headrace_ui_gateway.upstream.logs import LogPart, TaskLog, follow_log, read_part

_LARGEST_ARTIFACT = 32 * 1024 * 1024
"""Bytes. As base64 the content is in memory three times; larger artifacts are downloaded by a
link."""
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
    async def read_log(
        request: Request, run_id: str, node_id: Text, follow: Annotated[bool, Query()] = False
    ) -> StreamingResponse:
        """Read a task's log; with `follow`, stream it until the task ends."""
        task = await find(run_id, node_id)
        found = TaskLog(errors.parse_id(run_id, "run"), task.task_id)
        first = await read_part(recorder, found, 0)
        if follow:
            announcements, is_disconnected = context.announcements, request.is_disconnected
            stream = follow_log(recorder, announcements, found, 0, is_disconnected)
        else:
            stream = _whole_log(recorder, found, first)
        return StreamingResponse(stream, media_type="text/plain; charset=utf-8")

    return router


async def _whole_log(recorder: ServiceClient, log: TaskLog, part: LogPart) -> AsyncIterator[bytes]:
    """A log as long as it was when `part`, its beginning, was read."""
    offset, size = 0, part.size
    while True:
        yield part.content
        offset += len(part.content)
        if offset >= size or not part.content:
            return
        part = await read_part(recorder, log, offset)

"""``/api/v1``: logs of tasks, in parts or followed until the task ends."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.rest.description.document import LOG
from headrace_ui_gateway.rest.http.parameters import LARGEST_NUMBER
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.streams import HEADERS
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.logs import PART_BYTES, TaskLog, follow_log

_TEXT = "text/plain; charset=utf-8"
_LARGEST_PART = 8 * 1024 * 1024


def logs_router(recorder: ServiceClient, announcements: RunAnnouncements) -> APIRouter:
    """The routes of logs."""
    router = new_router("logs")

    @router.get(
        "/runs/{run_id}/tasks/{task_id}/log", response_class=StreamingResponse, responses=LOG
    )
    async def get_log(
        request: Request,
        run_id: UUID,
        task_id: UUID,
        offset: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
        limit: Annotated[int, Query(ge=1, le=_LARGEST_PART)] = PART_BYTES,
        follow: Annotated[
            bool, Query(description="Stream the log from `offset` until the task ends.")
        ] = False,
    ) -> Response:
        """Read a part of a task's log, or follow it. `X-Log-Size` is the size of the whole log,
        and `X-Log-Complete` is `true` when it will not grow."""
        log = TaskLog(run_id, task_id)
        if follow:
            task = await recorder.get(Task, f"/tasks/{task_id}")
            if task.run_id != run_id:
                raise RejectedError.because(
                    RejectionCode.NOT_FOUND, f"there is no task {task_id} in run {run_id}"
                )
            stream = follow_log(recorder, announcements, log, offset, request.is_disconnected)
            return StreamingResponse(stream, media_type=_TEXT, headers=HEADERS)
        found = await recorder.call("GET", log.path, params={"offset": offset, "limit": limit})
        headers = {k: v for k, v in found.headers.items() if k.startswith("x-log-")}
        return Response(found.content, media_type=_TEXT, headers=headers)

    return router

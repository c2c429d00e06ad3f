"""``/api/v1``: logs of tasks, in parts or followed until the task ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Task
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.rest.description.document import LOG
from headrace_ui_gateway.rest.http.parameters import LARGEST_NUMBER
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.streams import HEADERS
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient

_TEXT = "text/plain; charset=utf-8"
_LARGEST_PART = 8 * 1024 * 1024
_PART = 1024 * 1024
_POLL_SECONDS = 1.0
"""The launcher uploads a growing log every two seconds, so that more reads would gain little."""


@dataclass(frozen=True, slots=True)
class TaskLog:
    """The log of one task, by its route in the recorder."""

    run_id: UUID
    task_id: UUID

    @property
    def path(self) -> str:
        """The recorder's route."""
        return f"/runs/{self.run_id}/tasks/{self.task_id}/log"


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log. `size` is of the whole log, `attempt` the attempt that wrote it; `complete`
    means that the task writes no more."""

    content: bytes
    size: int
    complete: bool
    attempt: int


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
        limit: Annotated[int, Query(ge=1, le=_LARGEST_PART)] = _PART,
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
            stream = follow_log(request, recorder, announcements, log, offset)
            return StreamingResponse(stream, media_type=_TEXT, headers=HEADERS)
        found = await recorder.call("GET", log.path, params={"offset": offset, "limit": limit})
        headers = {k: v for k, v in found.headers.items() if k.startswith("x-log-")}
        return Response(found.content, media_type=_TEXT, headers=headers)

    return router


async def follow_log(
    request: Request,
    recorder: ServiceClient,
    announcements: RunAnnouncements,
    log: TaskLog,
    offset: int,
) -> AsyncIterator[bytes]:
    """The log from an offset, until the task ends, the client disconnects or the gateway stops.
    It waits while the recorder is unavailable. A new attempt of the task has a new log, which is
    read from its beginning."""
    attempt: int | None = None
    async with announcements.watch(str(log.run_id)) as changed:
        while not announcements.stopping and not await request.is_disconnected():
            changed.clear()
            try:
                part = await _read_part(recorder, log, offset)
                if part is None and await _has_ended(recorder, log):
                    return  # the task wrote no log
            except RetryableError:
                part = None
            except RejectedError:
                return  # the run was deleted
            if part is not None:
                if attempt is not None and part.attempt != attempt:
                    attempt, offset = part.attempt, 0
                    continue
                attempt = part.attempt
                offset += len(part.content)
                if part.content:
                    yield part.content
                if offset < part.size:
                    continue
                if part.complete:
                    return
            await announcements.wait(changed, _POLL_SECONDS)


async def _has_ended(recorder: ServiceClient, log: TaskLog) -> bool:
    return (await recorder.get(Task, f"/tasks/{log.task_id}")).state.final


async def _read_part(recorder: ServiceClient, log: TaskLog, offset: int) -> LogPart | None:
    """The next part of the log; None while there is no log."""
    try:
        found = await recorder.call("GET", log.path, params={"offset": offset, "limit": _PART})
    except RejectedError as error:
        if error.rejection.code is not RejectionCode.NOT_FOUND:
            raise
        return None
    return LogPart(
        content=found.content,
        size=int(found.headers["x-log-size"]),
        complete=found.headers["x-log-complete"] == "true",
        attempt=int(found.headers.get("x-log-attempt", 0)),
    )

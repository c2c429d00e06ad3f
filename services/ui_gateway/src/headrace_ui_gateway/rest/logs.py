"""``/api/v1``: logs of tasks, as far as they are there, or followed to their end."""

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
from headrace_ui_gateway.rest.http.requests import LARGEST_NUMBER, new_router
from headrace_ui_gateway.rest.runs import STREAM
from headrace_ui_gateway.upstream.client import Backend
from headrace_ui_gateway.upstream.live import Live

_TEXT = "text/plain; charset=utf-8"
_LARGEST_PART = 8 * 1024 * 1024
_PART = 1024 * 1024
_ASK_EVERY_SECONDS = 1.0
"""A live log lags by two seconds as it is; asking twice in that time adds little."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log: `attempt` says whose, `complete` that the task writes no more."""

    content: bytes
    size: int
    complete: bool
    attempt: int


def logs_router(recorder: Backend, live: Live) -> APIRouter:
    """The routes over the recorder."""
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
            bool, Query(description="Stream the log from `offset` on until the task has ended.")
        ] = False,
    ) -> Response:
        """Read a part of a task's log, or follow it. `X-Log-Size` is how much there is,
        `X-Log-Complete` is `true` when no more will come."""
        path = f"/runs/{run_id}/tasks/{task_id}/log"
        if follow:
            task = await recorder.get(Task, f"/tasks/{task_id}")
            if task.run_id != run_id:
                raise RejectedError.because(
                    RejectionCode.NOT_FOUND, f"there is no task {task_id} in run {run_id}"
                )
            stream = followed(request, recorder, live, (str(run_id), task.task_id, path), offset)
            return StreamingResponse(stream, media_type=_TEXT, headers=STREAM)
        params = {"offset": offset, "limit": limit}
        found = await recorder.call("GET", path, params=params)
        kept = {k: v for k, v in found.headers.items() if k.startswith("x-log-")}
        return Response(found.content, media_type=_TEXT, headers=kept)

    return router


async def followed(
    request: Request, recorder: Backend, live: Live, place: tuple[str, UUID, str], offset: int
) -> AsyncIterator[bytes]:
    """The log from a place on, until the task has ended, the client has gone or the gateway stops.
    A recorder that is away is waited for. Another attempt of the task has another log, which
    follows from its beginning."""
    run_id, task_id, path = place
    attempt: int | None = None
    async with live.watch(run_id) as news:
        while not live.stopping and not await request.is_disconnected():
            news.clear()
            try:
                part = await _part(recorder, path, offset)
                if part is None and (await recorder.get(Task, f"/tasks/{task_id}")).state.final:
                    return  # it has ended without a log
            except RetryableError:
                part = None
            except RejectedError:
                return  # it was deleted meanwhile
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
            await live.pause(news, _ASK_EVERY_SECONDS)


async def _part(recorder: Backend, path: str, offset: int) -> LogPart | None:
    """The log's next part; None while there is none."""
    try:
        found = await recorder.call("GET", path, params={"offset": offset, "limit": _PART})
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

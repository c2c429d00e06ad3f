"""The route of a task's log. A short log is a column of its task, a longer one is an object."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from headrace_contracts.messages.events import Origin
from headrace_runtime.access import Caller
from headrace_runtime.errors import RejectedError
from headrace_runtime.objects import ObjectMissingError, ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder.core.rows import TaskRow
from headrace_recorder.runs.access import not_found, visible_task_of_run

_LARGEST_PART = 8 * 1024 * 1024
_DEFAULT_PART = 1024 * 1024


def log_router(database: Database, objects: ObjectStore) -> APIRouter:
    """The route of logs."""
    router = APIRouter()

    @router.get("/runs/{run_id}/tasks/{task_id}/log")
    async def get_log(
        caller: Caller,
        run_id: UUID,
        task_id: UUID,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_LARGEST_PART)] = _DEFAULT_PART,
    ) -> Response:
        """`limit` bytes of the log from `offset`; headers give its size, whether it is complete,
        and its attempt. A task that reused outputs has the log of the task that made them."""
        _, task = await visible_task_of_run(database, caller, run_id, task_id)
        if task.log_text is not None:
            whole = task.log_text.encode()
            return _part(task, whole[offset : offset + limit], len(whole))
        if task.log is None and task.origin is not None:
            origin = Origin.model_validate(task.origin)
            try:
                await visible_task_of_run(database, caller, origin.run_id, origin.task_id)
            except RejectedError:
                raise not_found(
                    f"the log belongs to run {origin.run_id}, whose outputs the task reused; that "
                    "run was deleted"
                ) from None
            return await get_log(caller, origin.run_id, origin.task_id, offset, limit)
        if task.log is None:
            raise not_found("the task has no log yet")
        try:
            size = await objects.size(task.log)
            body = await objects.get_range(task.log, offset, min(offset + limit, size))
        except ObjectMissingError:
            size, body = 0, b""  # the attempt has started and has not written anything yet
        return _part(task, body, size)

    return router


def _part(task: TaskRow, body: bytes, size: int) -> Response:
    headers = {
        "X-Log-Size": str(size),
        "X-Log-Complete": "true" if task.state.final else "false",
        "X-Log-Attempt": str(task.log_attempt),
    }
    return Response(body, media_type="text/plain; charset=utf-8", headers=headers)

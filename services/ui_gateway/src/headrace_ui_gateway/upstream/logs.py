"""Logs of tasks, read in parts from the recorder or followed until the task ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Task
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient

PART_BYTES = 1024 * 1024
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


async def follow_log(
    recorder: ServiceClient,
    announcements: RunAnnouncements,
    log: TaskLog,
    offset: int,
    is_disconnected: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """The log from an offset, until the task ends, the client disconnects or the gateway stops.
    It waits while the recorder is unavailable. A new attempt of the task has a new log, which is
    read from its beginning."""
    attempt: int | None = None
    async with announcements.watch(str(log.run_id)) as changed:
        while not announcements.stopping and not await is_disconnected():
            changed.clear()
            try:
                part = await _find_part(recorder, log, offset)
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


async def read_part(recorder: ServiceClient, log: TaskLog, offset: int) -> LogPart:
    """The next part of a log, at most `PART_BYTES`.

    Raises:
        RejectedError: there is no log, or no such task.
    """
    found = await recorder.call("GET", log.path, params={"offset": offset, "limit": PART_BYTES})
    return LogPart(
        content=found.content,
        size=int(found.headers["x-log-size"]),
        complete=found.headers["x-log-complete"] == "true",
        attempt=int(found.headers.get("x-log-attempt", 0)),
    )


async def _find_part(recorder: ServiceClient, log: TaskLog, offset: int) -> LogPart | None:
    """The next part of the log; None while there is no log."""
    try:
        return await read_part(recorder, log, offset)
    except RejectedError as error:
        if error.rejection.code is not RejectionCode.NOT_FOUND:
            raise
        return None

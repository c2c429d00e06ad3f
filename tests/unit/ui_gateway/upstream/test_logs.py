"""Following a log: every byte once, until the task ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.logs import TaskLog, follow_log

RUN, TASK = UUID(int=1), UUID(int=2)
LOG = TaskLog(RUN, TASK)


class NoAnnouncements:
    """Announcements without a bus: every wait ends at once."""

    def __init__(self) -> None:
        self.stopping = False

    @asynccontextmanager
    async def watch(self, run_id: str) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()

    async def wait(self, changed: asyncio.Event, seconds: float) -> bool:
        await asyncio.sleep(0)
        return False


class StreamRequest:
    """The request of a stream."""

    disconnected = False

    async def is_disconnected(self) -> bool:
        return self.disconnected


def recorder(*answers: Callable[[httpx.Request], httpx.Response]) -> ServiceClient:
    """A recorder with these answers, one for each request for the log."""
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/tasks/"):
            return httpx.Response(200, json=task(final=not waiting))
        return waiting.pop(0)(request)

    return ServiceClient("recorder", "http://recorder", "token", httpx.MockTransport(answer))


def task(*, final: bool) -> dict[str, Any]:
    return {
        "task_id": str(TASK),
        "run_id": str(RUN),
        "name": "a",
        "display_name": "a",
        "path": "root/a",
        "state": "SUCCEEDED" if final else "RUNNING",
        "created_at": "2026-11-24T09:30:00Z",
    }


def log(
    text: bytes, *, complete: bool = False, attempt: int = 1
) -> Callable[[httpx.Request], httpx.Response]:
    """An answer of the recorder with a log of this content."""

    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        headers = {
            "X-Log-Size": str(len(text)),
            "X-Log-Complete": str(complete).lower(),
            "X-Log-Attempt": str(attempt),
        }
        return httpx.Response(200, content=text[offset:], headers=headers)

    return answer


SECOND = log(b"the second", complete=True, attempt=2)


def status(code: int) -> Callable[[httpx.Request], httpx.Response]:
    body = {"code": "NOT_FOUND", "detail": "the task has no log yet"}
    return lambda _: httpx.Response(code, json=body)


def unavailable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


async def read(
    recorder: ServiceClient, offset: int = 0, reader: StreamRequest | None = None
) -> list[bytes]:
    announcements: Any = NoAnnouncements()
    is_disconnected = (reader or StreamRequest()).is_disconnected
    stream = follow_log(recorder, announcements, LOG, offset, is_disconnected)
    async with asyncio.timeout(60):
        return [part async for part in stream]


@pytest.mark.parametrize(
    ("answers", "offset", "parts"),
    [
        ([log(b"a"), log(b"a"), log(b"ab", complete=True)], 0, [b"a", b"b"]),
        ([log(b"abc", complete=True)], 1, [b"bc"]),
        ([log(b"abc", complete=True)], 3, []),
        ([status(404), status(404), log(b"a", complete=True)], 0, [b"a"]),
        ([status(404)], 0, []),
        ([log(b"a"), unavailable, status(503), log(b"ab", complete=True)], 0, [b"a", b"b"]),
        (
            [log(b"first"), log(b"", attempt=2), log(b"", attempt=2), SECOND],
            0,
            [b"first", b"the second"],
        ),
        (
            [log(b"first"), SECOND, SECOND],
            0,
            [b"first", b"the second"],
        ),
    ],
    ids=[
        "grows",
        "from an offset",
        "offset at the end",
        "not started",
        "ends without a log",
        "recorder unavailable",
        "new attempt",
        "new attempt with a longer log",
    ],
)
async def test_a_log_is_followed_until_the_task_ends(
    answers: list[Any], offset: int, parts: list[bytes]
) -> None:
    assert await read(recorder(*answers), offset) == parts


async def test_the_stream_ends_when_the_client_disconnects() -> None:
    reader = StreamRequest()

    def last(request: httpx.Request) -> httpx.Response:
        reader.disconnected = True
        return log(b"a")(request)

    assert await read(recorder(last), reader=reader) == [b"a"]


async def test_the_stream_ends_when_the_gateway_stops() -> None:
    announcements: Any = NoAnnouncements()
    announcements.stopping = True
    stream = follow_log(recorder(), announcements, LOG, 0, StreamRequest().is_disconnected)
    assert [part async for part in stream] == []

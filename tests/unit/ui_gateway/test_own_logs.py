"""A followed log: every byte once, until the task has ended, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from headrace_ui_gateway.backends import Backend
from headrace_ui_gateway.own_logs import followed

RUN, TASK = str(UUID(int=1)), UUID(int=2)
PATH = f"/runs/{RUN}/tasks/{TASK}/log"


class Watching:
    """Live updates, without a bus: every wait is over at once."""

    def __init__(self) -> None:
        self.stopping = False

    @asynccontextmanager
    async def watch(self, run_id: str) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()

    async def pause(self, news: asyncio.Event, seconds: float) -> bool:
        await asyncio.sleep(0)
        return False


class Reader:
    """Who reads the stream, as the server sees him."""

    gone = False

    async def is_disconnected(self) -> bool:
        return self.gone


def recorder(*answers: Callable[[httpx.Request], httpx.Response]) -> Backend:
    """One that gives these answers, one for each request for the log."""
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/tasks/"):
            return httpx.Response(200, json=task(final=not waiting))
        return waiting.pop(0)(request)

    made = Backend("recorder", "http://recorder", "token")
    made._client = httpx.AsyncClient(
        base_url="http://recorder", transport=httpx.MockTransport(answer)
    )
    return made


def task(*, final: bool) -> dict[str, Any]:
    return {
        "task_id": str(TASK),
        "run_id": RUN,
        "name": "a",
        "display_name": "a",
        "path": "root/a",
        "state": "SUCCEEDED" if final else "RUNNING",
        "created_at": "2026-11-24T09:30:00Z",
    }


def log(
    text: bytes, *, complete: bool = False, attempt: int = 1
) -> Callable[[httpx.Request], httpx.Response]:
    """The recorder's answer while the log has this content."""

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


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


async def read(behind: Backend, offset: int = 0, reader: Reader | None = None) -> list[bytes]:
    live: Any = Watching()
    asking: Any = reader or Reader()
    stream = followed(asking, behind, live, (RUN, TASK, PATH), offset)
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
        ([log(b"a"), away, status(503), log(b"ab", complete=True)], 0, [b"a", b"b"]),
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
        "from a place on",
        "nothing after it",
        "not begun",
        "ends without one",
        "the recorder is away",
        "tried again",
        "tried again, longer",
    ],
)
async def test_a_log_is_followed(answers: list[Any], offset: int, parts: list[bytes]) -> None:
    assert await read(recorder(*answers), offset) == parts


async def test_it_ends_when_the_reader_has_gone() -> None:
    reader = Reader()

    def last(request: httpx.Request) -> httpx.Response:
        reader.gone = True
        return log(b"a")(request)

    assert await read(recorder(last), reader=reader) == [b"a"]


async def test_it_ends_when_the_gateway_stops() -> None:
    live: Any = Watching()
    live.stopping = True
    asking: Any = Reader()
    assert [part async for part in followed(asking, recorder(), live, (RUN, TASK, PATH), 0)] == []

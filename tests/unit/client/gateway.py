"""A fake gateway that returns scripted responses and records requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import httpx
from headrace.client import AsyncClient, Client, Patience

URL = "http://gateway.test"
QUICK = Patience(attempts=4, first_seconds=0.001, longest_seconds=0.002, longest_asked_seconds=0.5)
Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Gateway:
    """Returns the replies in turn, then repeats the last one."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The response to a request."""
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        return reply(request)

    def client(self, **options: Any) -> Client:
        """A blocking client of it."""
        given = {"patience": QUICK, "transport": httpx.MockTransport(self.answer), **options}
        return Client(URL, **given)

    def awaiting(self, **options: Any) -> AsyncClient:
        """An asyncio client of it."""
        given = {"patience": QUICK, "transport": httpx.MockTransport(self.answer), **options}
        return AsyncClient(URL, **given)


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that fails after its chunks."""

    def __init__(self, chunks: Iterable[bytes], error: Exception | None) -> None:
        self._chunks = tuple(chunks)
        self._error = error

    def __iter__(self) -> Any:
        yield from self._chunks
        if self._error is not None:
            raise self._error

    async def __aiter__(self) -> Any:
        for chunk in self._chunks:
            yield chunk
        if self._error is not None:
            raise self._error


def stream(*chunks: bytes, error: Exception | None = None, status: int = 200) -> Reply:
    """A reply that is streamed in chunks, and may be cut."""
    return lambda request: httpx.Response(status, stream=Cut(chunks, error))


def problem(status: int, code: str, detail: str, **more: Any) -> httpx.Response:
    """An error response."""
    return httpx.Response(status, json={"code": code, "detail": detail, **more})


def run_body(state: str = "RUNNING", version: int = 1, **more: Any) -> dict[str, Any]:
    """A run as the gateway returns it."""
    return {
        "run_id": "r1",
        "display_name": "a run",
        "state": state,
        "version": version,
        "parameters": {"depth": 3},
        "metrics": {"accuracy": 0.5},
        "outputs": {"parameters": {"best": "deep"}, "artifacts": {}},
        "created_at": "2026-11-25T02:00:00Z",
        "started_at": "2026-11-25T02:00:00Z",
        "finished_at": "2026-11-25T02:00:03Z",
        "error": None,
        "tasks": [],
        **more,
    }


def task_body(name: str, *needs: str, state: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    """A task as the gateway returns it."""
    return {
        "task_id": f"id-{name}",
        "name": name,
        "display_name": name,
        "path": f"root/{name}",
        "kind": "STEP",
        "state": state,
        "dependencies": [f"id-{one}" for one in needs],
        "outputs": {"parameters": {}, "artifacts": {}},
        "position": 0,
        "has_log": True,
        **more,
    }

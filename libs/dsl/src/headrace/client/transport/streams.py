"""Streamed responses, resumed where they were cut: rules without input or output.

A transport sends `request`, passes each chunk to `feed`, and when the stream is cut or ends early,
waits for the time that `lost` returns and sends `request` again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from headrace.client.errors import ClientError
from headrace.client.resources import Run, in_order
from headrace.client.transport.requests import Request, path_segment
from headrace.client.transport.retries import unreachable

T = TypeVar("T")
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
"""How long a stream waits for an unavailable gateway: longer than a restart takes."""
_SILENCE_SECONDS = 30.0
"""The gateway sends a keep-alive at least every 15 s."""


class Stream(ABC, Generic[T]):
    """A stream of items from the gateway."""

    def __init__(self, url: str, silence: float | None = _SILENCE_SECONDS) -> None:
        self.ended = False
        self._url = url
        self._silence = silence
        self._lost_since: float | None = None

    @property
    @abstractmethod
    def request(self) -> Request:
        """The request that starts or resumes the stream."""

    @abstractmethod
    def feed(self, chunk: bytes) -> Iterator[T]:
        """The items that this chunk completes."""

    def opened(self, status: int) -> None:
        """A response with this status begins."""

    def finished(self) -> None:
        """The response ended without being cut."""

    def silence(self, now: float) -> float | None:
        """The read timeout in seconds; None for no limit. `now` is monotonic."""
        del now
        return self._silence

    def check(self, now: float) -> None:
        """Called between chunks.

        Raises:
            TimeoutError: the stream's deadline has passed.
        """

    def received(self) -> None:
        """Data arrived, so the gateway is available."""
        self._lost_since = None

    def lost(self, now: float) -> float:
        """Seconds after which to resume.

        Raises:
            ClientError: the gateway has been unavailable for a minute.
            TimeoutError: the stream's deadline has passed.
        """
        self.check(now)
        self._lost_since = self._lost_since or now
        if now - self._lost_since > _PATIENCE_SECONDS:
            raise unreachable(self._url)
        return _POLL_SECONDS


class WatchRun(Stream[Run]):
    """A run now and at each change, until it has ended."""

    def __init__(self, url: str, run_id: str, seconds: float | None, began: float) -> None:
        super().__init__(url)
        self._run_id = run_id
        self._seconds = seconds
        self._deadline = None if seconds is None else began + seconds
        self._version = -1
        self._rest = b""
        self._tasks: dict[str, dict[str, Any]] = {}

    @property
    def request(self) -> Request:
        return Request("GET", f"/runs/{path_segment(self._run_id)}/live")

    def opened(self, status: int) -> None:
        self._rest, self._tasks = b"", {}

    def feed(self, chunk: bytes) -> Iterator[Run]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if not line.startswith(b"data: "):
                continue
            changed = json.loads(line[len(b"data: ") :])
            self._tasks |= {task["task_id"]: task for task in changed.get("tasks") or ()}
            run = Run({**changed, "tasks": in_order(self._tasks)}, self._url)
            self.ended = run.ended
            if run["version"] > self._version:
                self._version = run["version"]
                yield run
            if self.ended:
                return

    def silence(self, now: float) -> float | None:
        if self._deadline is None:
            return self._silence
        return max(0.05, min(_SILENCE_SECONDS, self._deadline - now))

    def check(self, now: float) -> None:
        if self._deadline is not None and now >= self._deadline:
            raise TimeoutError(f"run {self._run_id} has not ended within {self._seconds:g} s")


class FollowLog(Stream[bytes]):
    """A task's log as it grows, until the task has ended. Resumes at the offset it had reached."""

    def __init__(self, url: str, run_id: str, task_id: str) -> None:
        super().__init__(url, None)  # a step may print nothing for hours
        self._path = f"/runs/{path_segment(run_id)}/tasks/{path_segment(task_id)}/log"
        self._offset = 0

    @property
    def request(self) -> Request:
        return Request("GET", self._path, {"follow": "true", "offset": self._offset})

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._offset += len(chunk)
        if chunk:
            yield chunk

    def finished(self) -> None:
        self.ended = True


class FetchContent(Stream[bytes]):
    """The content of a URL. Resumes by a range request at the offset it had reached."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._link = url
        self._offset = 0
        self._skip = 0

    @property
    def request(self) -> Request:
        headers = {"Range": f"bytes={self._offset}-"} if self._offset else {}
        return Request("GET", self._link, headers=headers)

    def opened(self, status: int) -> None:
        # A server without range requests sends everything again, with status 200.
        self._skip = self._offset if status == 200 else 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        fresh = chunk[self._skip :]
        self._skip -= len(chunk) - len(fresh)
        self._offset += len(fresh)
        if fresh:
            yield fresh

    def finished(self) -> None:
        self.ended = True

    def lost(self, now: float) -> float:
        try:
            return super().lost(now)
        except ClientError:
            address = self._link.partition("?")[0]
            raise ClientError(
                "UNREACHABLE", f"the object store is unavailable, downloading {address}; retry"
            ) from None


def is_other_server(path: str) -> bool:
    """Whether a request's path is a whole URL, of a server that must get no token."""
    return path.startswith(("http://", "https://"))


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}

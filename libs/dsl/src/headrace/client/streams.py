"""Answers that come bit by bit, taken up again where they were cut: rules without input or output.

A driver asks for `request`, gives each chunk to `feed`, and when the stream is cut or ends early,
waits as long as `lost` says and asks again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from headrace.client.errors import ClientError
from headrace.client.resources import Run, in_order
from headrace.client.wire import Request, part, unreachable

T = TypeVar("T")
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
"""How long a stream bears with a gateway that is away: a restart is over long before."""
_SILENCE_SECONDS = 30.0
"""The gateway tells at least every 15 s that it is there."""


class Stream(ABC, Generic[T]):
    """A stream of items from the gateway."""

    def __init__(self, url: str, silence: float | None = _SILENCE_SECONDS) -> None:
        self.ended = False
        self._url = url
        self._silence = silence
        self._away_since: float | None = None

    @property
    @abstractmethod
    def request(self) -> Request:
        """What to ask for now."""

    @abstractmethod
    def feed(self, chunk: bytes) -> Iterator[T]:
        """The items that are complete with this chunk."""

    def opened(self) -> None:
        """A new answer begins."""

    def finished(self) -> None:
        """The answer has ended by itself."""

    def silence(self, now: float) -> float | None:
        """How many seconds may pass without a byte; None is any. `now` is monotonic."""
        del now
        return self._silence

    def check(self, now: float) -> None:
        """Called from time to time.

        Raises:
            TimeoutError: its time is over.
        """

    def heard(self) -> None:
        """The gateway is there."""
        self._away_since = None

    def lost(self, now: float) -> float:
        """Seconds after which to ask again.

        Raises:
            ClientError: the gateway stayed away for a minute.
            TimeoutError: its time is over.
        """
        self.check(now)
        self._away_since = self._away_since or now
        if now - self._away_since > _PATIENCE_SECONDS:
            raise unreachable(self._url)
        return _POLL_SECONDS


class Watch(Stream[Run]):
    """A run as it stands, and again at each change, until it has ended."""

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
        return Request("GET", f"/runs/{part(self._run_id)}/live")

    def opened(self) -> None:
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
    """A task's log as it grows, until the task has ended. A cut stream goes on where it was."""

    def __init__(self, url: str, run_id: str, task_id: str) -> None:
        super().__init__(url, None)  # a step may be silent for hours
        self._path = f"/runs/{part(run_id)}/tasks/{part(task_id)}/log"
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


class Fetch(Stream[bytes]):
    """What is at an address, which has a known size only when it begins; taken up by ranges."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._link = url
        self._offset = 0
        self._skip = 0

    @property
    def request(self) -> Request:
        headers = {"Range": f"bytes={self._offset}-"} if self._offset else {}
        return Request("GET", self._link, headers=headers)

    def begins(self, status: int) -> None:
        """The answer's status: a server that knows no ranges sends all again."""
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
            place = self._link.partition("?")[0]
            raise ClientError("UNREACHABLE", f"the object store at {place} is away") from None


def is_other_server(path: str) -> bool:
    """Whether a request's path is a whole address, of a server that gets no token."""
    return path.startswith(("http://", "https://"))


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by names in lower case."""
    return {name.lower(): value for name, value in headers.items()}

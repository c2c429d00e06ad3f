"""Requests, answers, and when a request is sent again: values and rules, without input or output.

An operation is a generator that yields what it wants done (`Request`, `Save`, `Pause`) and is sent
what came of it (`Answer`, a number of bytes). So each is written once, and the two clients carry
them out, one with threads and one with asyncio.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from headrace.client.errors import ClientError, LostError

T = TypeVar("T")
_BUSY = (429, 503)
"""Nothing was done: it is to be sent again later."""
_UNSURE = (502, 504)
"""A proxy before the gateway has no answer: whether anything was done is not known."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the gateway. `path` is below ``/api/v1``, or an address of another server, to
    which no token is sent.

    `key` is the ``Idempotency-Key``. `repeatable` tells whether it may be sent again when nobody
    knows whether it was carried out.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True

    @property
    def sent_params(self) -> dict[str, Any]:
        """The query's parameters; those that are None are left out."""
        return {name: value for name, value in self.params.items() if value is not None}

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers, with the key."""
        own = {} if self.key is None else {"Idempotency-Key": self.key}
        return {**own, **self.headers}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ClientError: it is none, so what answered is no gateway.
        """
        try:
            return json.loads(self.content)
        except ValueError:
            raise ClientError(
                "MALFORMED", "the answer is not JSON; is this the address of a gateway?"
            ) from None


@dataclass(frozen=True, slots=True)
class Save:
    """Write what is at an address to a file; what comes of it is its size in bytes."""

    url: str
    path: Path


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; nothing comes of it."""

    seconds: float


Step = Request | Save | Pause
Steps = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, and the pauses between: each twice as long as the one before,
    but for its random part."""

    attempts: int = 8
    """With the pauses, up to 11 s: a gateway that is restarted is there again."""
    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    longest_asked_seconds: float = 60.0
    """The longest pause that the gateway may ask for by ``Retry-After``."""

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds to wait after an attempt, of which 1 is the first; `chance` is in [0, 1)."""
        longest = min(self.first_seconds * 2.0 ** (attempt - 1), self.longest_seconds)
        return longest * (0.5 + chance / 2)


class Tries:
    """One request from its first try to its end."""

    def __init__(self, request: Request, patience: Patience, url: str) -> None:
        self._request = request
        self._patience = patience
        self._url = url
        self._attempt = 0
        self._unsure = False

    def lost(self, error: LostError, chance: float) -> float:
        """Seconds after which to try again.

        Raises:
            ClientError: that was the last try, or it may not be repeated.
        """
        self._attempt += 1
        self._unsure = self._unsure or error.reached
        may = self._request.repeatable or not error.reached
        if may and self._attempt < self._patience.attempts:
            return self._patience.pause(self._attempt, chance)
        if not error.reached:
            raise unreachable(self._url)
        told = "" if self._request.method == "GET" else "; it may have been carried out"
        raise ClientError("TIMEOUT", f"{self._url} did not answer: {error}{told}")

    def judged(self, answer: Answer, chance: float) -> float | None:
        """None for an answer that is one; else seconds after which to try again.

        Raises:
            ClientError: it was refused.
        """
        self._attempt += 1
        if answer.status < 400:
            return None
        if self._request.method == "DELETE" and answer.status == 404 and self._unsure:
            return None  # an earlier try, whose answer was lost, has deleted it
        again = answer.status in _BUSY or (answer.status in _UNSURE and self._request.repeatable)
        if not again or self._attempt >= self._patience.attempts:
            raise refused(answer)
        self._unsure = self._unsure or answer.status in _UNSURE
        asked = retry_after(answer.headers)
        if asked is not None and asked > self._patience.longest_asked_seconds:
            raise refused(answer)
        return max(asked or 0.0, self._patience.pause(self._attempt, chance))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of ``Retry-After``; None without it, or where it is a date."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def unreachable(url: str) -> ClientError:
    """The error for a gateway that is not there."""
    return ClientError(
        "UNREACHABLE", f"there is no gateway at {url}; start the deployment with: headrace up"
    )


def refused(answer: Answer) -> ClientError:
    """The error that an answer tells."""
    try:
        body = json.loads(answer.content)
        message = str(body["detail"])
        field = body.get("field")
        if field and field not in message:
            message = f"{message} (at {field})"
        return ClientError(body.get("code", "REFUSED"), message, field, answer.status)
    except (ValueError, KeyError, TypeError, AttributeError):
        code = "UNAVAILABLE" if answer.status in (*_BUSY, *_UNSURE) else "REFUSED"
        return ClientError(code, f"the gateway answered {answer.status}", status=answer.status)


def part(identity: str) -> str:
    """An identity or name as a part of a path.

    Raises:
        ClientError: it is empty, or no text.
    """
    if not isinstance(identity, str) or not identity or identity in (".", ".."):
        raise ClientError("MALFORMED", f"{identity!r} is no id or name")
    return quote(identity, safe="")


def given(**values: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in values.items() if value is not None}

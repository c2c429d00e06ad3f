"""Requests, responses and other steps of operations: values without input or output.

An operation is a generator. It yields steps (`Request`, `Download`, `Sleep`) and is sent their
results (`Response`, a number of bytes, None). So each operation is written once, and both clients
can run it, one with blocking calls and one with asyncio.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from headrace.client.errors import ClientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the gateway.

    `path` is below ``/api/v1``, or the URL of another server, which gets no token. `key` is the
    ``Idempotency-Key``. `repeatable` is whether it may be sent again when it is unknown whether
    the first one was processed.
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
        """The query parameters without those that are None."""
        return without_none(**self.params)

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers, including the idempotency key."""
        own = {} if self.key is None else {"Idempotency-Key": self.key}
        return {**own, **self.headers}


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ClientError: the body is not JSON, so the server is not a gateway (MALFORMED).
        """
        try:
            return json.loads(self.content)
        except ValueError:
            raise ClientError(
                "MALFORMED", "the response is not JSON; is this the address of a gateway?"
            ) from None


@dataclass(frozen=True, slots=True)
class Download:
    """Write the content of a URL to a file. The result is its size in bytes."""

    url: str
    path: Path


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait. The result is None."""

    seconds: float


Step = Request | Download | Sleep
Steps = Generator[Step, Any, T]


def path_segment(text: str) -> str:
    """An id or name, quoted as one segment of a path.

    Raises:
        ClientError: it is empty, a dot segment, or not a string.
    """
    if not isinstance(text, str) or not text or text in (".", ".."):
        raise ClientError("MALFORMED", f"{text!r} is not an id or name")
    return quote(text, safe="")


def without_none(**values: Any) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}

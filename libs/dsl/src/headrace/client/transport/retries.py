"""When a request is sent again, and which error ends it: rules without input or output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from headrace.client.errors import ClientError, NoResponseError
from headrace.client.transport.requests import Request, Response

_TOO_MANY_REQUESTS = 429
_NOT_PROCESSED = (_TOO_MANY_REQUESTS, 503)
"""The gateway did not process the request."""
_UNKNOWN = (502, 504)
"""A proxy got no response from the gateway, so it is unknown whether it processed the request."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, and the pauses in between: exponential backoff with jitter."""

    attempts: int = 8
    """With the pauses up to 11 s: long enough for a gateway to restart."""
    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    longest_asked_seconds: float = 60.0
    """The longest ``Retry-After`` that is honored; a longer one is an error at once."""
    busy_seconds: float = 120.0
    """For how long a request is sent again while the gateway answers that there are too many
    requests (429); these do not count as attempts."""

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds to wait after attempt number `attempt` (from 1); `chance` is in [0, 1)."""
        longest = min(self.first_seconds * 2.0 ** (attempt - 1), self.longest_seconds)
        return longest * (0.5 + chance / 2)


class RequestAttempts:
    """The attempts to send one request: after each, whether and when to send it again."""

    def __init__(self, request: Request, patience: Patience, url: str) -> None:
        self._request = request
        self._patience = patience
        self._url = url
        self._attempt = 0
        self._may_be_processed = False
        self._refusals, self._busy_seconds = 0, 0.0

    def after_no_response(self, error: NoResponseError, chance: float) -> float:
        """Seconds after which to send it again.

        Raises:
            ClientError: it was the last attempt, or the request must not be repeated.
        """
        self._attempt += 1
        self._may_be_processed = self._may_be_processed or error.reached
        allowed = self._request.repeatable or not error.reached
        if allowed and self._attempt < self._patience.attempts:
            return self._patience.pause(self._attempt, chance)
        if not error.reached:
            raise unreachable(self._url)
        note = "" if self._request.method == "GET" else "; it may have processed the request"
        raise ClientError("TIMEOUT", f"no response from {self._url}: {error}{note}")

    def _may_wait_longer(self) -> bool:
        """Whether a gateway that is busy is asked again without counting it as an attempt."""
        patience = self._patience
        return patience.attempts > 1 and self._busy_seconds < patience.busy_seconds

    def after_response(self, response: Response, chance: float) -> float | None:
        """None if the response is final, else seconds after which to send the request again.

        Raises:
            ClientError: the request was rejected.
        """
        self._attempt += 1
        if response.status < 400:
            return None
        deletes = self._request.method == "DELETE"
        if deletes and response.status == 404 and self._may_be_processed:
            return None  # deleted by an earlier attempt whose response was lost
        status = response.status
        asked = retry_after(response.headers)
        if asked is not None and asked > self._patience.longest_asked_seconds:
            raise rejection(response)
        if status == _TOO_MANY_REQUESTS and self._may_wait_longer():
            self._attempt -= 1
            self._refusals += 1
            pause = self._patience.pause(self._refusals, chance)
            pause = max((asked or 0.0) * (1 + chance / 2), pause)
            self._busy_seconds += pause
            return pause
        repeat = status in _NOT_PROCESSED or (status in _UNKNOWN and self._request.repeatable)
        if not repeat or self._attempt >= self._patience.attempts:
            raise rejection(response)
        self._may_be_processed = self._may_be_processed or status in _UNKNOWN
        return max(asked or 0.0, self._patience.pause(self._attempt, chance))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of ``Retry-After``; None if it is missing or a date."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def unreachable(url: str) -> ClientError:
    """The error for a gateway that accepts no connection."""
    return ClientError(
        "UNREACHABLE",
        f"cannot connect to {url}; "
        "check the address, or start a local deployment with: headrace up",
    )


def rejection(response: Response) -> ClientError:
    """The error in a response."""
    try:
        body = json.loads(response.content)
        message = str(body["detail"])
        field = body.get("field")
        if field and field not in message:
            message = f"{message} (at {field})"
        return ClientError(body.get("code", "REFUSED"), message, field, response.status)
    except (ValueError, KeyError, TypeError, AttributeError):
        unavailable = response.status in (*_NOT_PROCESSED, *_UNKNOWN)
        code = "UNAVAILABLE" if unavailable else "REFUSED"
        message = f"the gateway responded with status {response.status}"
        return ClientError(code, message, status=response.status)

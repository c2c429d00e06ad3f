"""Errors that clients raise."""

from __future__ import annotations

from typing import Any

_HINTS = {
    "UNAUTHENTICATED": "pass a token: Client(url, token), or set HEADRACE_TOKEN; `headrace token` "
    "prints the token of a local deployment",
    "FORBIDDEN": "Client.me() shows your roles; an admin of the namespace can grant others",
    "TOO_MANY_REQUESTS": "send fewer requests, or ask an admin to raise the limit",
    "INSUFFICIENT_STORAGE": "`headrace run delete` removes a run with its artifacts",
    "UNAVAILABLE": "`headrace status` shows which service is down",
}


class ClientError(Exception):
    """The gateway rejected a request or could not be reached.

    Attributes:
        code: A stable code of the HTTP API (``NOT_FOUND``, ``CONFLICT``, ``INVALID_PARAMETER``,
            ...), or one of the client's own: ``UNREACHABLE``, ``TIMEOUT`` (no response arrived),
            ``MALFORMED`` (the client rejected an argument or could not read the response).
        message: What is wrong, for people.
        field: The parameter or dotted path at fault, if any.
        status: The HTTP status, if there was a response.
    """

    def __init__(
        self, code: str, message: str, field: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.status = status

    @property
    def hint(self) -> str | None:
        """What to do about it; None if the message says it."""
        return _HINTS.get(self.code)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class RunFailedError(ClientError):
    """The run is not SUCCEEDED; `run` is the run as it was read."""

    def __init__(self, run: Any, message: str) -> None:
        super().__init__("RUN_FAILED", message)
        self.run = run


class NoResponseError(Exception):
    """A request got no response. `reached` is False if it cannot have reached the gateway."""

    def __init__(self, message: str, *, reached: bool) -> None:
        super().__init__(message)
        self.reached = reached

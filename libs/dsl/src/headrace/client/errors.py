"""What can go wrong with a client, by what the caller can do about it."""

from __future__ import annotations

from typing import Any

_HINTS = {
    "UNAUTHENTICATED": "give a token: Client(url, token), or HEADRACE_TOKEN; the owner of an "
    "embedded deployment finds it by: headrace token",
    "FORBIDDEN": "GET /api/v1/me tells your roles; an admin of the namespace can give another",
    "TOO_MANY_REQUESTS": "ask less often, or let an admin raise the limit",
    "UNAVAILABLE": "a part of the deployment is away; headrace status tells which",
}


class ClientError(Exception):
    """The gateway refused or could not be reached; `code` is stable, the message is for people.

    `code` is one of the codes of the HTTP API (``NOT_FOUND``, ``CONFLICT``, ``INVALID_PARAMETER``,
    ...), or ``UNREACHABLE``, ``TIMEOUT`` (an answer did not come) or ``MALFORMED`` (the client
    itself refused what it was given). `field` is the parameter or dotted place at fault, `status`
    the HTTP status, each None where there is none. `hint` says what to do, where that is known.
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
        """What to do about it; None where the message says all."""
        return _HINTS.get(self.code)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class RunFailedError(ClientError):
    """The run has ended, and not with success; `run` is how it stands."""

    def __init__(self, run: Any, message: str) -> None:
        super().__init__("RUN_FAILED", message)
        self.run = run


class LostError(Exception):
    """A request had no answer. `reached` is False when it cannot have arrived."""

    def __init__(self, message: str, *, reached: bool) -> None:
        super().__init__(message)
        self.reached = reached

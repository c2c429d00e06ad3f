"""Errors by what the caller should do about them. Task failures are data, not exceptions."""

from __future__ import annotations

from headrace_contracts.failures import Rejection, RejectionCode


class RetryableError(Exception):
    """A dependency is away or busy: the same call may succeed later."""


class TooEarlyError(RetryableError):
    """What this message is about is not known yet. The others of its batch are not to blame."""


class PoisonError(Exception):
    """This message can never be handled: set it aside with this reason."""


class FatalError(Exception):
    """The process cannot go on: end it and let the supervisor start a fresh one."""


class RejectedError(Exception):
    """The request is at fault. Nothing of it was kept."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        super().__init__(rejection.message)

    @classmethod
    def because(cls, code: RejectionCode, message: str, field: str | None = None) -> RejectedError:
        """A refusal from its parts."""
        return cls(Rejection(code=code, message=message, field=field))

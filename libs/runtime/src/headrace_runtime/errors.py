"""Errors by what the caller should do about them. Failures of tasks are data, not exceptions."""

from __future__ import annotations

from headrace_contracts.failures import Rejection, RejectionCode


class RetryableError(Exception):
    """A dependency is unavailable or busy: the same call may succeed later."""

    def __init__(self, message: str, detail: str = "") -> None:
        """`message` may be shown to anyone; `detail` is for logs, and may name addresses and
        files."""
        self.message = message
        super().__init__(f"{message}: {detail}" if detail else message)


class TooEarlyError(RetryableError):
    """The run or task that this message is about is not known yet. The other messages of the batch
    are not affected."""


class PoisonError(Exception):
    """This message can never be handled: it becomes a dead letter with this reason."""


class FatalError(Exception):
    """The process cannot continue: it exits, and the supervisor restarts it."""


class RejectedError(Exception):
    """The request is invalid and had no effect."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        super().__init__(rejection.message)

    @classmethod
    def because(cls, code: RejectionCode, message: str, field: str | None = None) -> RejectedError:
        """The error with a rejection of these fields."""
        return cls(Rejection(code=code, message=message, field=field))


class NotStorableError(RejectedError):
    """A store can never keep a value of this item, such as a text with a NUL."""

    @classmethod
    def of(cls, store: str, fault: str) -> NotStorableError:
        """The error of a store with this name."""
        message = f"{store} cannot store a value of this: {fault}"
        return cls(Rejection(code=RejectionCode.MALFORMED, message=message))

"""Why a step failed, and the exit status of the launcher for those who see only that."""

from __future__ import annotations

import errno

EXIT_LAUNCHER_ERROR = 64
EXIT_INPUT = 65
EXIT_UPLOAD = 66
EXIT_TIMEOUT = 124
EXIT_CANCELED = 143

_SHORTAGES = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
    }
)
"""A full or broken disk, too few file descriptors, processes or memory."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error comes from the machine, and neither from the step nor from its inputs."""
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno in _SHORTAGES
    )


class StepError(Exception):
    """The step failed. `code` is one of the platform's failure codes, `exit_status` the launcher's;
    `exit_code` and `signal` are the command's. With `retryable` the platform has failed, not the
    step."""

    def __init__(
        self,
        code: str,
        message: str,
        exit_status: int = 1,
        *,
        exit_code: int | None = None,
        signal: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_status = exit_status
        self.exit_code = exit_code
        self.signal = signal
        self.retryable = retryable


class CanceledError(StepError):
    """The launcher got SIGTERM or SIGINT."""

    def __init__(self) -> None:
        super().__init__("CANCELED", "the step was canceled", EXIT_CANCELED)


class TimeLimitError(StepError):
    """The attempt has taken too long."""

    def __init__(self, seconds: float) -> None:
        message = f"the step exceeded its time limit of {seconds:g} s"
        super().__init__("TIMEOUT", message, EXIT_TIMEOUT)

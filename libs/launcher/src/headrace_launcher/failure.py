"""Why a step failed, and the exit status of the launcher for those who see only that."""

from __future__ import annotations

EXIT_LAUNCHER_ERROR = 64
EXIT_INPUT = 65
EXIT_UPLOAD = 66
EXIT_TIMEOUT = 124
EXIT_CANCELED = 143


class StepError(Exception):
    """The step failed. `code` is one of the platform's failure codes, `exit_status` the launcher's;
    `exit_code` and `signal` are the command's."""

    def __init__(
        self,
        code: str,
        message: str,
        exit_status: int = 1,
        *,
        exit_code: int | None = None,
        signal: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_status = exit_status
        self.exit_code = exit_code
        self.signal = signal


class CanceledError(StepError):
    """The launcher got SIGTERM or SIGINT."""

    def __init__(self) -> None:
        super().__init__("CANCELED", "the step was canceled", EXIT_CANCELED)

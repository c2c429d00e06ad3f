"""Errors of commands: exit status 1 for a failure, 2 for wrong usage."""

from __future__ import annotations

import json
from typing import Any

import click


class CommandFailed(click.ClickException):
    """The command failed: a stable code for programs, and a message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: Any = None) -> None:
        """Print the message to standard error."""
        click.echo(f"headrace: {self.message}", err=True)


def wrong_usage(message: str) -> click.UsageError:
    """The error for arguments of the current command that do not fit together."""
    return click.UsageError(message, click.get_current_context())


class JsonError(click.ClickException):
    """An error that is printed as one JSON object on standard error: ``{"error": {...}}``."""

    def __init__(self, exit_code: int, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class
        self._fields = fields

    @classmethod
    def of(cls, error: click.ClickException | click.Abort | KeyboardInterrupt) -> JsonError:
        """An error of click or of a command, with the exit status that it has as text."""
        if isinstance(error, click.UsageError):
            missing = isinstance(error, click.exceptions.NoArgsIsHelpError)
            message = "Missing command." if missing else error.format_message()
            usage = None if error.ctx is None else error.ctx.get_usage()
            return cls(2, {"code": "USAGE", "message": message, "usage": usage})
        if isinstance(error, CommandFailed):
            return cls(1, {"code": error.code, "message": error.message})
        if isinstance(error, click.ClickException):
            return cls(error.exit_code, {"code": "FAILED", "message": error.format_message()})
        return cls(1, {"code": "INTERRUPTED", "message": "interrupted"})

    def show(self, file: Any = None) -> None:
        """Print the JSON object to standard error."""
        click.echo(json.dumps({"error": self._fields}), err=True)

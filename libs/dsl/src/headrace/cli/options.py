"""What every command has: ``--data``, ``--json``, ``--token``, and errors in one sentence."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.client.place import default_data

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Context:
    """Where the deployment is, and how to print."""

    data: Path
    json: bool
    host: str | None
    token: str | None = None

    @property
    def is_default_data(self) -> bool:
        """Whether the data folder need not be named in hints."""
        return self.data == default_data()


class Failed(click.ClickException):
    """The command could not do its work: one sentence for people, a code for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.as_json = False

    def show(self, file: Any = None) -> None:
        """Print the error to standard error."""
        if self.as_json:
            text = json.dumps({"error": {"code": self.code, "message": self.message}})
        else:
            text = f"headrace: {self.message}"
        click.echo(text, err=True)


class UsageFailed(click.ClickException):
    """The command was used wrongly, by a program: told as one JSON object on standard output."""

    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        helps = isinstance(error, click.exceptions.NoArgsIsHelpError)
        super().__init__("a command is missing" if helps else error.format_message())
        self._usage = None if error.ctx is None else error.ctx.get_usage()

    def show(self, file: Any = None) -> None:
        """Print it."""
        found = {"code": "USAGE", "message": self.message, "usage": self._usage}
        click.echo(json.dumps({"error": found}))


def common_options(command: F) -> F:
    """Give a command the shared options; it gets a `Context` as its first argument. Each option
    may also stand before the command's name."""

    @click.option("--data", type=click.Path(path_type=Path), help="The deployment's data folder.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @click.option("--host", help="The gateway's address, instead of the data folder's.")
    @click.option("--token", help="The token for the gateway; better in HEADRACE_TOKEN.")
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        data: Path | None,
        as_json: bool,
        host: str | None,
        token: str | None,
        **options: Any,
    ) -> Any:
        shared = click.get_current_context().find_root().params
        context = Context(
            data=(data or shared.get("data") or default_data()).absolute(),
            json=as_json or bool(shared.get("as_json")),
            host=host or shared.get("host") or os.environ.get("HEADRACE_HOST"),
            token=token or shared.get("token") or os.environ.get("HEADRACE_TOKEN") or None,
        )
        try:
            return command(context, *args, **options)
        except Failed as error:
            error.as_json = context.json
            raise

    return wrapped  # type: ignore[return-value]


def say(context: Context, value: Any, text: str) -> None:
    """Print the result: as one JSON object, or as text."""
    click.echo(json.dumps(value, indent=2, default=_plain) if context.json else text)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)

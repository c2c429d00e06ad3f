"""The options that commands share. Each may be given before or after the command's name."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.client.discovery import default_data_folder

F = TypeVar("F", bound=Callable[..., Any])

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Data folder of the local deployment. Default: HEADRACE_DATA, else "
    "~/.local/share/headrace (for root /var/lib/headrace).",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print the result, or the error, as one JSON object."
)
HOST = click.option(
    "--host",
    metavar="URL",
    help="Gateway URL. Default: HEADRACE_HOST, else the local deployment in --data.",
)
TOKEN = click.option("--token", help="Gateway token. Prefer the HEADRACE_TOKEN variable.")
_UNUSED_DATA = click.option("--data", type=click.Path(path_type=Path), hidden=True)
"""Commands that need no deployment accept ``--data``, so that callers can pass it to all."""


def count_option(
    default: int = 20, most: int = 10_000, help: str = "Maximum number to list."
) -> Callable[[F], F]:
    """The option ``-n``, from 1 to `most`."""
    return click.option(
        "-n", "--count", default=default, show_default=True, type=click.IntRange(1, most), help=help
    )


@dataclass(frozen=True, slots=True)
class Context:
    """The values of the shared options."""

    data: Path
    json: bool
    host: str | None = None
    token: str | None = None

    @property
    def is_default_data(self) -> bool:
        """Whether hints can leave out ``--data``."""
        return self.data == default_data_folder()


def gateway_command(command: F) -> F:
    """Give a command that talks to a gateway its options, and a `Context` as first argument."""
    return DATA(JSON(HOST(TOKEN(_with_context(command)))))


def local_command(command: F) -> F:
    """Give a command on the deployment of this machine its options, and a `Context`."""
    return DATA(JSON(_with_context(command)))


def offline_command(command: F) -> F:
    """Give a command that needs no deployment its options, and a `Context`."""
    return _UNUSED_DATA(JSON(_with_context(command)))


def _with_context(command: F) -> F:
    @functools.wraps(command)
    def wrapped(*args: Any, data: Path | None, as_json: bool, **options: Any) -> Any:
        current = click.get_current_context()
        shared = current.find_root().params
        own = {parameter.name or "" for parameter in current.command.params}
        _refuse_unused(current, shared, own)
        gateway: dict[str, str | None] = {}
        for name in ("host", "token"):
            if name in own:
                given = options.pop(name) or shared.get(name)
                gateway[name] = given or os.environ.get(f"HEADRACE_{name.upper()}") or None
        context = Context(
            data=(data or shared.get("data") or default_data_folder()).absolute(),
            json=as_json or bool(shared.get("as_json")),
            **gateway,
        )
        return command(context, *args, **options)

    return wrapped  # type: ignore[return-value]


def _refuse_unused(current: click.Context, shared: dict[str, Any], own: set[str]) -> None:
    """Refuse ``--host`` and ``--token`` before the name of a command that would ignore them."""
    for name in ("host", "token"):
        if name not in own and shared.get(name) is not None:
            raise click.UsageError(
                f"{current.command_path!r} does not take --{name}: it connects to no gateway.",
                current,
            )

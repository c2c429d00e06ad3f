"""The root of the command line: global options, all commands, and errors as text or JSON."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.artifact import artifact
from headrace.cli.commands.authoring import compile_command, init, lint
from headrace.cli.commands.completion import completion
from headrace.cli.commands.experiment import experiment
from headrace.cli.commands.pipeline import pipeline
from headrace.cli.commands.recurring import recurring
from headrace.cli.commands.run import run
from headrace.cli.errors import CommandFailed, JsonError
from headrace.cli.options import DATA, HOST, JSON, TOKEN

_ENTRY_POINTS = "headrace.commands"
"""Other distributions add commands by entry points of this group. Each is a list of commands."""
_AS_JSON = "headrace.json"


class Root(click.Group):
    """The ``headrace`` command. With ``--json`` anywhere on the command line, every error is one
    JSON object on standard error."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> click.Context:
        """Parse the global options."""
        as_json = "--json" in args[: args.index("--")] if "--" in args else "--json" in args
        with _errors(as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_AS_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _errors(bool(ctx.meta.get(_AS_JSON))):
            return super().invoke(ctx)


@contextmanager
def _errors(as_json: bool) -> Iterator[None]:
    """With `as_json`, raise errors as `JsonError`; else leave them to click, which prints text.

    A full disk, where standard output may be a file, is an error of the command.
    """
    try:
        with _full_disk_as_failure():
            yield
    except (click.ClickException, click.Abort, KeyboardInterrupt) as error:
        if not as_json:
            raise
        raise JsonError.of(error) from None


@contextmanager
def _full_disk_as_failure() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CommandFailed("CANNOT_WRITE", f"cannot write the output: {error.strerror}") from None


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@DATA
@JSON
@HOST
@TOKEN
@click.version_option(package_name="headrace")
def main(data: Path | None, as_json: bool, host: str | None, token: str | None) -> None:
    """Run machine-learning pipelines, follow them, and read their results.

    The options below may be given before or after the command. --host and --token are only
    accepted with commands that connect to a gateway.
    """


for _command in (
    run,
    recurring,
    pipeline,
    experiment,
    artifact,
    compile_command,
    lint,
    init,
    completion,
):
    main.add_command(_command)
for _entry in entry_points(group=_ENTRY_POINTS):
    for _command in _entry.load():
        main.add_command(_command)

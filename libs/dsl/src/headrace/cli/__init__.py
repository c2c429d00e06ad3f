"""The ``headrace`` command. Other distributions add theirs by the entry points
``headrace.commands``: each is a list of click commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from headrace.cli.artifact import artifact
from headrace.cli.authoring import compile_command, init, lint
from headrace.cli.completion import completion
from headrace.cli.options import UsageFailed
from headrace.cli.pipeline import experiment, pipeline
from headrace.cli.recurring import recurring
from headrace.cli.run import run

_JSON = "headrace.json"


class Root(click.Group):
    """The command itself. A wrong use is told as JSON when ``--json`` stands in the line."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> click.Context:
        """Read the options before the command's name."""
        as_json = "--json" in args[: args.index("--")] if "--" in args else "--json" in args
        with _told(as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_JSON] = as_json
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _told(bool(ctx.meta.get(_JSON))):
            return super().invoke(ctx)


@contextmanager
def _told(as_json: bool) -> Iterator[None]:
    """Errors of use as JSON."""
    try:
        yield
    except click.UsageError as error:
        if not as_json:
            raise
        raise UsageFailed(error) from None


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="The deployment's data folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--host", help="The gateway's address, instead of the data folder's.")
@click.option("--token", help="The token for the gateway; better in HEADRACE_TOKEN.")
@click.version_option(package_name="headrace")
def main(data: Path | None, as_json: bool, host: str | None, token: str | None) -> None:
    """Machine-learning pipelines: run them, watch them, read what they made."""


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
for _entry in entry_points(group="headrace.commands"):
    for _command in _entry.load():
        main.add_command(_command)

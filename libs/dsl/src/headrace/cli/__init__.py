"""The ``headrace`` command. Other distributions add theirs by the entry points
``headrace.commands``: each is a list of click commands."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import click

from headrace.cli.recurring import recurring
from headrace.cli.run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help="The deployment's data folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--host", help="The gateway's address, instead of the data folder's.")
@click.option("--token", help="The token for the gateway; better in HEADRACE_TOKEN.")
@click.version_option(package_name="headrace")
def main(data: Path | None, as_json: bool, host: str | None, token: str | None) -> None:
    """Machine-learning pipelines: run them, watch them, read what they made."""


main.add_command(run)
main.add_command(recurring)
for _entry in entry_points(group="headrace.commands"):
    for _command in _entry.load():
        main.add_command(_command)

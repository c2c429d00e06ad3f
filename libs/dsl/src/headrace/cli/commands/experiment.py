"""``headrace experiment``: group runs."""

from __future__ import annotations

import click

from headrace.cli.completers import experiment_names
from headrace.cli.connect import connected
from headrace.cli.options import Context, count_option, gateway_command
from headrace.cli.output import print_result

_name_argument = click.argument("name", metavar="EXPERIMENT", shell_complete=experiment_names)


@click.group()
def experiment() -> None:
    """Group runs in experiments. EXPERIMENT is a name or an id."""


@experiment.command()
@click.argument("name")
@click.option("--description", help="Description of the experiment.")
@gateway_command
def create(context: Context, name: str, description: str | None) -> None:
    """Create an experiment."""
    with connected(context) as client:
        made = client.create_experiment(name, description)
    print_result(context, made, f"{made.experiment_id}  {made.display_name}")


@experiment.command("list")
@count_option()
@gateway_command
def list_experiments(context: Context, count: int) -> None:
    """List the newest experiments."""
    with connected(context) as client:
        found = client.experiments(count)
    lines = [f"{one.experiment_id}  {one.display_name}" for one in found]
    print_result(context, {"experiments": found}, "\n".join(lines) or "no experiments")


@experiment.command("get")
@_name_argument
@count_option(10, help="Maximum number of runs to list.")
@gateway_command
def get_experiment(context: Context, name: str, count: int) -> None:
    """Show an experiment and its newest runs."""
    with connected(context) as client:
        found = client.experiment(name)
        runs = [] if context.json else client.runs(count, experiment_id=found.experiment_id)
    lines = [
        f"{found.experiment_id}  {found.display_name}",
        *(f"  {run.run_id}  {run.state:<9}  {run.display_name}" for run in runs),
    ]
    print_result(context, found, "\n".join(lines))


@experiment.command()
@_name_argument
@gateway_command
def archive(context: Context, name: str) -> None:
    """Archive an experiment and its runs.

    Also disables its recurring runs.
    """
    with connected(context) as client:
        client.operate_experiment(name, "archive")
    _print_requested(context, name, "archive", "archived")


@experiment.command()
@_name_argument
@gateway_command
def unarchive(context: Context, name: str) -> None:
    """Restore an archived experiment. Its runs stay archived."""
    with connected(context) as client:
        client.operate_experiment(name, "unarchive")
    _print_requested(context, name, "unarchive", "restored")


@experiment.command()
@_name_argument
@gateway_command
def delete(context: Context, name: str) -> None:
    """Delete an experiment. Its runs stay."""
    with connected(context) as client:
        client.delete_experiment(name)
    _print_requested(context, name, "delete", "deleted")


def _print_requested(context: Context, name: str, operation: str, done: str) -> None:
    print_result(context, {"experiment": name, "requested": operation}, f"{done} {name}")

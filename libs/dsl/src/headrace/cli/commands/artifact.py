"""``headrace artifact``: list, show and download artifacts of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.completers import run_ids
from headrace.cli.connect import connected
from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, count_option, gateway_command
from headrace.cli.output import print_result

if TYPE_CHECKING:
    from headrace.client import Artifact


@click.group()
def artifact() -> None:
    """List, show and download artifacts of runs."""


@artifact.command("list")
@click.option("--run", "run_id", help="Only artifacts of this run.", shell_complete=run_ids)
@click.option("--type", "kind", help="Only artifacts of this type, such as system.Model.")
@count_option()
@gateway_command
def list_artifacts(context: Context, run_id: str | None, kind: str | None, count: int) -> None:
    """List the newest artifacts."""
    with connected(context) as client:
        found = client.artifacts(run_id, type=kind, count=count)
    lines = [artifact_line(one) for one in found]
    print_result(context, {"artifacts": found}, "\n".join(lines) or "no artifacts")


@artifact.command()
@click.argument("artifact_id")
@gateway_command
def get(context: Context, artifact_id: str) -> None:
    """Show an artifact's URI, type, metadata and task."""
    with connected(context) as client:
        found = client.artifact(artifact_id)
    lines = [
        artifact_line(found),
        f"uri   {found.uri}",
        f"run   {found['run_id']}",
        f"task  {found['task_id']}  output {found['output']}",
        *(f"  {name} = {value}" for name, value in found.metadata.items()),
    ]
    print_result(context, found, "\n".join(lines))


@artifact.command()
@click.argument("artifact_id")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@gateway_command
def download(context: Context, artifact_id: str, target: Path | None) -> None:
    """Download an artifact (a file or a folder) to TARGET.

    If TARGET is an existing folder, the artifact is written into it. Default: the current folder.
    """
    try:
        with connected(context) as client:
            path = client.download(artifact_id, target or Path())
    except OSError as error:
        place = error.filename or target
        raise CommandFailed("CANNOT_WRITE", f"cannot write {place}: {error.strerror}") from None
    print_result(context, {"artifact_id": artifact_id, "path": str(path.absolute())}, str(path))


@artifact.command()
@click.argument("artifact_id")
@gateway_command
def lineage(context: Context, artifact_id: str) -> None:
    """Show which task created an artifact, and which tasks used it."""
    with connected(context) as client:
        found = client.lineage(artifact_id)
        runs = {one["run_id"]: client.run(one["run_id"]) for one in found}
    lines = []
    for one in found:
        relation = "made by" if one["type"] == "OUTPUT" else "used by"
        run = runs[one["run_id"]]
        lines.append(
            f"{relation}  {run.task(one['task_id']).path} ({one['key']})  "
            f"of run {run.run_id}  {run.display_name}"
        )
    print_result(context, {"artifact_tasks": found}, "\n".join(lines))


def artifact_line(found: Artifact) -> str:
    """An artifact as a line of a list."""
    return f"{found.artifact_id}  {found.type or '-':<28}  {found['output']:<20}  {found.name}"

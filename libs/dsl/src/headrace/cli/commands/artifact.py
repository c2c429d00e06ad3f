"""``headrace artifact``: what runs have made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.common import connected
from headrace.cli.completion import run_ids
from headrace.cli.options import Context, common_options, say

if TYPE_CHECKING:
    from headrace.client import Artifact


@click.group()
def artifact() -> None:
    """Find and download what runs have made."""


@artifact.command("list")
@click.option("--run", "run_id", help="Those of a run alone.", shell_complete=run_ids)
@click.option("--type", "kind", help="Those of a type alone, such as system.Model.")
@click.option("-n", "--count", default=20, show_default=True, type=click.IntRange(1, 10_000))
@common_options
def list_artifacts(context: Context, run_id: str | None, kind: str | None, count: int) -> None:
    """List the newest artifacts."""
    with connected(context) as client:
        found = client.artifacts(run_id, type=kind, count=count)
    lines = [artifact_line(one) for one in found]
    say(context, {"artifacts": found}, "\n".join(lines) or "no artifacts yet")


@artifact.command()
@click.argument("artifact_id")
@common_options
def get(context: Context, artifact_id: str) -> None:
    """Show what is known of an artifact."""
    with connected(context) as client:
        found = client.artifact(artifact_id)
    lines = [
        artifact_line(found),
        f"uri   {found.uri}",
        f"run   {found['run_id']}",
        f"task  {found['task_id']}  output {found['output']}",
        *(f"  {name} = {value}" for name, value in found.metadata.items()),
    ]
    say(context, found, "\n".join(lines))


@artifact.command()
@click.argument("artifact_id")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@common_options
def download(context: Context, artifact_id: str, target: Path | None) -> None:
    """Download an artifact, a file or a folder, to TARGET, or into the folder here."""
    with connected(context) as client:
        place = client.download(artifact_id, target or Path())
    say(context, {"artifact_id": artifact_id, "path": str(place.absolute())}, str(place))


@artifact.command()
@click.argument("artifact_id")
@common_options
def lineage(context: Context, artifact_id: str) -> None:
    """Show which task made an artifact, and which used it."""
    with connected(context) as client:
        found = client.lineage(artifact_id)
        runs = {one["run_id"]: client.run(one["run_id"]) for one in found}
    lines = []
    for one in found:
        word = "made by" if one["type"] == "OUTPUT" else "used by"
        run = runs[one["run_id"]]
        lines.append(
            f"{word}  {run.task(one['task_id']).path} ({one['key']})  "
            f"of run {run.run_id}  {run.display_name}"
        )
    say(context, {"artifact_tasks": found}, "\n".join(lines))


def artifact_line(found: Artifact) -> str:
    """An artifact in a list."""
    return f"{found.artifact_id}  {found.type or '-':<28}  {found['output']:<20}  {found.name}"

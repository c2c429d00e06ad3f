"""``headrace run``: submit runs, look at them, and change how they go on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.artifact import artifact_line
from headrace.cli.common import (
    connected,
    execution_fields,
    execution_options,
    read_package,
    values_of,
)
from headrace.cli.completion import run_ids
from headrace.cli.logs import logs
from headrace.cli.options import Context, Failed, common_options, say

if TYPE_CHECKING:
    from headrace.client import Client, Run


@click.group()
def run() -> None:
    """Submit runs and look at them."""


run.add_command(logs)


@run.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE")
@click.option("--name", help="The run's display name.")
@click.option("--experiment", help="The experiment's name; made when it does not exist.")
@click.option("--idempotency-key", help="Repeats with the same key are one run.")
@execution_options
@click.option("--wait", is_flag=True, help="Show the run until it ends; exit 0 on SUCCEEDED only.")
@click.option("--timeout", type=float, help="With --wait: give up after so many seconds.")
@common_options
def submit(
    context: Context,
    package: Path,
    parameters: tuple[str, ...],
    name: str | None,
    experiment: str | None,
    idempotency_key: str | None,
    priority: int,
    deadline: float | None,
    no_cache: bool,
    continue_on_failure: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Submit a pipeline: a compiled one, or a Python file, which is compiled first.

    A value is taken by the parameter's type: a text as it is, others as JSON; @FILE reads a file.
    """
    text = read_package(package)
    request = {
        "package": text,
        "parameters": values_of(text, parameters),
        "display_name": name,
        "experiment": experiment,
        "idempotency_key": idempotency_key,
        **execution_fields(priority, deadline, no_cache, continue_on_failure),
    }
    with connected(context) as client:
        made = client.submit({key: value for key, value in request.items() if value is not None})
        if not wait:
            say(context, _summary(made), f"{made['run_id']}  {client.url}/runs/{made['run_id']}")
            return
        ended = _follow(context, client, made["run_id"], timeout)
    if context.json:
        say(context, _summary(ended), "")
    sys.exit(0 if ended["state"] == "SUCCEEDED" else 1)


@run.command("list")
@click.option("-n", "--count", default=20, show_default=True, type=click.IntRange(1, 200))
@common_options
def list_runs(context: Context, count: int) -> None:
    """List the newest runs."""
    with connected(context) as client:
        found = client.runs(count)
    lines = [f"{r['run_id']}  {r['state']:<9}  {r['display_name']}" for r in found]
    say(context, {"runs": [_summary(one) for one in found]}, "\n".join(lines) or "no runs yet")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def get(context: Context, run_id: str) -> None:
    """Show a run: its tasks, outputs, metrics and artifacts."""
    with connected(context) as client:
        found = client.run(run_id)
        if context.json:
            say(context, _summary(found), "")
        else:
            from headrace.cli.display import report

            report(found, client.url)


@run.command()
@click.argument("run_ids", nargs=-1, required=True, shell_complete=run_ids)
@click.option("--all", "everything", is_flag=True, help="Also what is the same in all of them.")
@common_options
def compare(context: Context, run_ids: tuple[str, ...], everything: bool) -> None:
    """Show runs side by side: parameters, metrics and outputs in which they differ."""
    with connected(context) as client:
        found = client.compare(*run_ids)
    if context.json:
        say(context, found.as_json(), "")
        return
    from headrace.cli.display import side_by_side

    side_by_side(found, everything=everything)


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def artifacts(context: Context, run_id: str) -> None:
    """List the artifacts that a run made."""
    with connected(context) as client:
        found = client.artifacts(run_id)
    lines = [artifact_line(one) for one in found]
    say(context, {"artifacts": found}, "\n".join(lines) or "the run has made no artifacts")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@click.option("--force", is_flag=True, help="Stop its exit tasks too.")
@common_options
def cancel(context: Context, run_id: str, force: bool) -> None:
    """Stop a run. Its exit tasks still run."""
    _operate(context, run_id, "cancel", "is being stopped", **{"force": True} if force else {})


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def pause(context: Context, run_id: str) -> None:
    """Let a run start nothing new; what runs goes on."""
    _operate(context, run_id, "pause", "is being paused")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def resume(context: Context, run_id: str) -> None:
    """Let a paused run go on."""
    _operate(context, run_id, "resume", "goes on")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def retry(context: Context, run_id: str) -> None:
    """Let a failed or canceled run go on from what has succeeded."""
    _operate(context, run_id, "retry", "is retried")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def archive(context: Context, run_id: str) -> None:
    """Put a run out of sight."""
    _operate(context, run_id, "archive", "is archived")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def unarchive(context: Context, run_id: str) -> None:
    """Bring an archived run back into sight."""
    _operate(context, run_id, "unarchive", "is in sight again")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@common_options
def delete(context: Context, run_id: str) -> None:
    """Delete a run with its artifacts and logs; if it runs, it is stopped."""
    with connected(context) as client:
        client.delete(run_id)
    say(context, {"run_id": run_id, "deleted": True}, f"{run_id} is deleted")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@click.option("--from", "tasks", multiple=True, metavar="PATH", help="A task to run anew.")
@click.option("--name", help="The new run's display name.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and submit nothing.")
@common_options
def rerun(
    context: Context, run_id: str, tasks: tuple[str, ...], name: str | None, dry_run: bool
) -> None:
    """Run a run's spec again, with the results of those of its tasks that succeeded.

    The tasks at --from, such as root/train, and all that depend on them run anew.
    """
    with connected(context) as client:
        if dry_run:
            preview = client.rerun_preview(run_id, tasks)
            lines = [f"{word:<5}  {t['path']}" for word in ("reuse", "run") for t in preview[word]]
            say(context, preview, "\n".join(lines))
            return
        request: dict[str, Any] = {"rerun": {"run_id": run_id, "tasks": list(tasks)}}
        made = client.submit(request if name is None else {**request, "display_name": name})
    say(context, _summary(made), f"{made['run_id']}  {client.url}/runs/{made['run_id']}")


def _operate(context: Context, run_id: str, operation: str, said: str, **options: object) -> None:
    with connected(context) as client:
        client.operate(run_id, operation, **options)
    say(context, {"run_id": run_id, "requested": operation}, f"{run_id} {said}")


def _follow(context: Context, client: Client, run_id: str, timeout: float | None) -> Run:
    try:
        if context.json:
            *_, last = client.watch(run_id, timeout)
            return last
        from headrace.cli.display import follow

        return follow(client.watch(run_id, timeout), client.url)
    except KeyboardInterrupt:
        raise Failed(
            "INTERRUPTED", f"the run goes on; look at it with: headrace run get {run_id}"
        ) from None


def _summary(found: Mapping[str, Any]) -> dict[str, Any]:
    """A run as ``--json`` prints it."""
    return {
        "run_id": found["run_id"],
        "state": found["state"],
        "display_name": found["display_name"],
        "pipeline": found["pipeline"]["name"],
        "created_at": found["created_at"],
        "started_at": found.get("started_at"),
        "finished_at": found.get("finished_at"),
        "error": found.get("error"),
        "outputs": found["outputs"]["parameters"],
        "tasks": [
            {
                "name": task["name"],
                "task_id": task["task_id"],
                "state": task["state"],
                "attempt": task["attempt"],
                "outputs": task["outputs"]["parameters"],
                "artifacts": task["outputs"]["artifacts"],
                "error": task.get("error"),
            }
            for task in found.get("tasks") or []
        ],
    }

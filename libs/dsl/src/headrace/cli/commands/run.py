"""``headrace run``: submit, show and control runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.artifact import artifact_line
from headrace.cli.commands.logs import logs
from headrace.cli.completers import run_ids
from headrace.cli.connect import connected
from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, count_option, gateway_command
from headrace.cli.output import print_result
from headrace.cli.parameters import (
    execution_fields,
    execution_options,
    parameter_option,
    parse_parameters,
    read_package,
)

if TYPE_CHECKING:
    from headrace.client import Client, Run


@click.group()
def run() -> None:
    """Submit, show and control runs."""


run.add_command(logs)


@run.command()
@click.argument("package", type=click.Path(path_type=Path))
@parameter_option()
@click.option("--name", help="Display name of the run.")
@click.option("--experiment", metavar="NAME", help="Experiment; created if it does not exist.")
@click.option("--idempotency-key", metavar="KEY", help="Requests with the same key create one run.")
@execution_options
@click.option(
    "--wait", is_flag=True, help="Show progress until the run ends; exit with 1 unless SUCCEEDED."
)
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="With --wait: stop waiting and exit with 1 after this time. The run continues.",
)
@gateway_command
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
    """Submit a run of PACKAGE.

    PACKAGE is a compiled pipeline, or a Python file, which is executed and compiled. Values of
    string parameters are passed as they are; values of other types must be JSON.
    """
    text = read_package(package)
    request = {
        "package": text,
        "parameters": parse_parameters(text, parameters),
        "display_name": name,
        "experiment": experiment,
        "idempotency_key": idempotency_key,
        **execution_fields(priority, deadline, no_cache, continue_on_failure),
    }
    with connected(context) as client:
        made = client.submit({key: value for key, value in request.items() if value is not None})
        if not wait:
            _print_submitted(context, made)
            return
        ended = _follow(context, client, made["run_id"], timeout)
    if context.json:
        print_result(context, _summary(ended), "")
    sys.exit(0 if ended["state"] == "SUCCEEDED" else 1)


@run.command("list")
@count_option(most=200)
@gateway_command
def list_runs(context: Context, count: int) -> None:
    """List the newest runs."""
    with connected(context) as client:
        found = client.runs(count)
    lines = [f"{r['run_id']}  {r['state']:<9}  {r['display_name']}" for r in found]
    print_result(context, {"runs": [_summary(one) for one in found]}, "\n".join(lines) or "no runs")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def get(context: Context, run_id: str) -> None:
    """Show a run: its tasks, outputs, metrics and artifacts."""
    with connected(context) as client:
        found = client.run(run_id)
        if context.json:
            print_result(context, _summary(found), "")
        else:
            from headrace.cli.display import report

            report(found, client.url)


@run.command()
@click.argument("run_ids", nargs=-1, required=True, shell_complete=run_ids)
@click.option("--all", "everything", is_flag=True, help="Also show values that do not differ.")
@gateway_command
def compare(context: Context, run_ids: tuple[str, ...], everything: bool) -> None:
    """Compare parameters, metrics and outputs of runs.

    Shows only the values that differ, unless --all is given.
    """
    with connected(context) as client:
        found = client.compare(*run_ids)
    if context.json:
        print_result(context, found.as_json(), "")
        return
    from headrace.cli.display import side_by_side

    side_by_side(found, everything=everything)


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def artifacts(context: Context, run_id: str) -> None:
    """List the artifacts of a run."""
    with connected(context) as client:
        found = client.artifacts(run_id)
    lines = [artifact_line(one) for one in found]
    print_result(context, {"artifacts": found}, "\n".join(lines) or "no artifacts")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@click.option("--force", is_flag=True, help="Stop exit tasks too.")
@gateway_command
def cancel(context: Context, run_id: str, force: bool) -> None:
    """Cancel a run. Its exit tasks still run."""
    _operate(context, run_id, "cancel", "canceling", **{"force": True} if force else {})


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def pause(context: Context, run_id: str) -> None:
    """Pause a run: running tasks finish, no new tasks start."""
    _operate(context, run_id, "pause", "pausing")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def resume(context: Context, run_id: str) -> None:
    """Resume a paused run."""
    _operate(context, run_id, "resume", "resuming")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def retry(context: Context, run_id: str) -> None:
    """Retry a failed or canceled run, keeping tasks that succeeded."""
    _operate(context, run_id, "retry", "retrying")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def archive(context: Context, run_id: str) -> None:
    """Archive a run, so that lists can exclude it."""
    _operate(context, run_id, "archive", "archiving")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def unarchive(context: Context, run_id: str) -> None:
    """Restore an archived run."""
    _operate(context, run_id, "unarchive", "restoring")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@gateway_command
def delete(context: Context, run_id: str) -> None:
    """Delete a run with its artifacts and logs. If it is running, it is stopped first."""
    with connected(context) as client:
        client.delete(run_id)
    print_result(context, {"run_id": run_id, "deleted": True}, f"deleted {run_id}")


@run.command()
@click.argument("run_id", shell_complete=run_ids)
@click.option(
    "--from",
    "tasks",
    multiple=True,
    metavar="PATH",
    help="Task to run again, such as root/train; repeatable.",
)
@click.option("--name", help="Display name of the new run.")
@click.option("--dry-run", is_flag=True, help="Show what would run, without submitting.")
@gateway_command
def rerun(
    context: Context, run_id: str, tasks: tuple[str, ...], name: str | None, dry_run: bool
) -> None:
    """Submit a new run that reuses results of an earlier one.

    It has the spec of RUN_ID. Tasks that succeeded there are reused, except those given by --from
    and all tasks that depend on them, which run again.
    """
    with connected(context) as client:
        if dry_run:
            preview = client.rerun_preview(run_id, tasks)
            lines = [f"{what:<5}  {t['path']}" for what in ("reuse", "run") for t in preview[what]]
            print_result(context, preview, "\n".join(lines))
            return
        request: dict[str, Any] = {"rerun": {"run_id": run_id, "tasks": list(tasks)}}
        made = client.submit(request if name is None else {**request, "display_name": name})
    _print_submitted(context, made)


def _print_submitted(context: Context, made: Run) -> None:
    print_result(context, _summary(made), f"{made.run_id}  {made.link}")


def _operate(context: Context, run_id: str, operation: str, doing: str, **options: object) -> None:
    with connected(context) as client:
        client.operate(run_id, operation, **options)
    print_result(context, {"run_id": run_id, "requested": operation}, f"{doing} {run_id}")


def _follow(context: Context, client: Client, run_id: str, timeout: float | None) -> Run:
    try:
        if context.json:
            *_, last = client.watch(run_id, timeout)
            return last
        from headrace.cli.display import follow

        return follow(client.watch(run_id, timeout), client.url)
    except KeyboardInterrupt:
        raise CommandFailed(
            "INTERRUPTED", f"interrupted; the run continues, see: headrace run get {run_id}"
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

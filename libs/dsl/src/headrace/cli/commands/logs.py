"""``headrace run logs``: the logs of a run's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.completers import run_ids
from headrace.cli.connect import connected
from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, gateway_command
from headrace.cli.output import print_result
from headrace.client.errors import ClientError

if TYPE_CHECKING:
    from headrace.client import AsyncClient, Client, Run


@click.command()
@click.argument("run_id", shell_complete=run_ids)
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Print new lines until the run has ended.")
@gateway_command
def logs(context: Context, run_id: str, task: str | None, follow: bool) -> None:
    """Show the logs of a run's tasks.

    TASK is the name, path or id of one task. Default: all tasks.
    With --follow and --json, each line is one JSON object: path, and the text of the line.
    """
    with connected(context) as client:
        run = client.run(run_id)
        if follow:
            _follow(context, run_id, task)
            return
        selected = _selected(run, task)
        if not selected and task is not None:
            raise _no_such_task(run_id, task)
        found = {
            path: text
            for path, one in selected.items()
            if one["has_log"] and (text := _log(client, run_id, one)) is not None
        }
    headed = [text if len(selected) == 1 else f"--- {path}\n{text}" for path, text in found.items()]
    print_result(context, {"run_id": run_id, "logs": found}, "\n".join(headed).rstrip("\n"))


def _log(client: Client, run_id: str, task: Mapping[str, Any]) -> str | None:
    """A task's log; None if the log of a reused execution was deleted with its run."""
    try:
        return client.log(run_id, task["task_id"]).decode(errors="replace")
    except ClientError as error:
        if error.code == "NOT_FOUND":
            return None
        raise


def _selected(run: Run, task: str | None) -> dict[str, Mapping[str, Any]]:
    """The tasks with this name, path or id, by path. In a loop each iteration has the name."""
    return {
        one.path: one for one in run.tasks if task in (None, one["name"], one.path, one.task_id)
    }


def _no_such_task(run_id: str, task: str) -> CommandFailed:
    return CommandFailed("NOT_FOUND", f"run {run_id} has no task {task!r}")


def _follow(context: Context, run_id: str, task: str | None) -> None:
    import asyncio

    from headrace.client import AsyncClient
    from headrace.client.discovery import find_gateway

    url, token = find_gateway(context.host, context.token, context.data)

    async def main() -> None:
        async with AsyncClient(url, token) as client:
            await _follow_all(context, client, run_id, task)

    try:
        asyncio.run(main())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    except KeyboardInterrupt:
        raise CommandFailed("INTERRUPTED", "interrupted; the run continues") from None


async def _follow_all(context: Context, client: AsyncClient, run_id: str, task: str | None) -> None:
    """Follow the log of each selected task as soon as the task runs."""
    import asyncio

    followed: set[str] = set()
    found = False
    async with asyncio.TaskGroup() as group:
        async for run in client.watch(run_id):
            selected = _selected(run, task)
            found = found or bool(selected)
            steps = [path for path, one in selected.items() if one["kind"] == "STEP"]
            alone = task is not None and len(steps) <= 1
            for path, one in selected.items():
                started = one["has_log"] or one["state"] == "RUNNING"
                if one["kind"] == "STEP" and started and path not in followed:
                    followed.add(path)
                    group.create_task(_print(context, client, run, path, one, alone))
            if alone and steps and steps[0] in followed:
                return
    if not found and task is not None:
        raise _no_such_task(run_id, task)


async def _print(
    context: Context,
    client: AsyncClient,
    run: Run,
    path: str,
    task: Mapping[str, Any],
    alone: bool,
) -> None:
    """Print a log line by line, with the task's path unless it is `alone`."""
    rest = b""
    async for chunk in client.follow_log(run, task["task_id"]):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            _print_line(context, path, line, alone)
    if rest:
        _print_line(context, path, rest, alone)


def _print_line(context: Context, path: str, line: bytes, alone: bool) -> None:
    import json

    text = line.decode(errors="replace")
    if context.json:
        click.echo(json.dumps({"path": path, "line": text}))
    else:
        click.echo(text if alone else click.style(f"{path} | ", dim=True) + text)

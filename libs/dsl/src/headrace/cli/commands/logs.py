"""``headrace run logs``: what steps have printed, and print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.common import connected
from headrace.cli.completion import run_ids
from headrace.cli.options import Context, Failed, common_options, say

if TYPE_CHECKING:
    from headrace.client import AsyncClient, Client, Run


@click.command()
@click.argument("run_id", shell_complete=run_ids)
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as the logs grow, until the run's end.")
@common_options
def logs(context: Context, run_id: str, task: str | None, follow: bool) -> None:
    """Show the log of a task, by its name, path or id, or of all tasks of a run.

    With --follow and --json each line is an object: path, and the text of a line.
    """
    with connected(context) as client:
        if follow:
            _follow(context, client, run_id, task)
            return
        asked = _asked(client.run(run_id), task)
        if not asked:
            raise Failed("NOT_FOUND", f"run {run_id} has no task {task!r}")
        found = {
            path: client.log(run_id, one["task_id"]).decode(errors="replace")
            for path, one in asked.items()
            if one["has_log"]
        }
    headed = [text if len(asked) == 1 else f"--- {path}\n{text}" for path, text in found.items()]
    say(context, {"run_id": run_id, "logs": found}, "\n".join(headed).rstrip("\n"))


def _asked(run: Run, task: str | None) -> dict[str, Mapping[str, Any]]:
    """The tasks that are meant by path: a name is there once in each iteration of a loop."""
    return {
        one.path: one for one in run.tasks if task in (None, one["name"], one.path, one.task_id)
    }


def _follow(context: Context, client: Client, run_id: str, task: str | None) -> None:
    import asyncio

    from headrace.client import AsyncClient
    from headrace.client.place import place

    url, token = place(context.host, context.token, context.data)
    del client  # it does not know of asyncio

    async def main() -> None:
        async with AsyncClient(url, token) as awaiting:
            await _follow_all(context, awaiting, run_id, task)

    try:
        asyncio.run(main())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    except KeyboardInterrupt:
        raise Failed("INTERRUPTED", "the run goes on") from None


async def _follow_all(context: Context, client: AsyncClient, run_id: str, task: str | None) -> None:
    """Follow each log from the moment on at which its task runs."""
    import asyncio

    followed: set[str] = set()
    found = False
    async with asyncio.TaskGroup() as group:
        async for run in client.watch(run_id):
            asked = _asked(run, task)
            found = found or bool(asked)
            steps = [path for path, one in asked.items() if one["kind"] == "STEP"]
            alone = task is not None and len(steps) <= 1
            for path, one in asked.items():
                begun = one["has_log"] or one["state"] == "RUNNING"
                if one["kind"] == "STEP" and begun and path not in followed:
                    followed.add(path)
                    group.create_task(_print(context, client, run, path, one, alone))
            if alone and steps and steps[0] in followed:
                return
    if not found and task is not None:
        raise Failed("NOT_FOUND", f"run {run_id} has no task {task!r}")


async def _print(
    context: Context,
    client: AsyncClient,
    run: Run,
    path: str,
    task: Mapping[str, Any],
    alone: bool,
) -> None:
    """Print a log line by line, each with its task where there are several."""
    rest = b""
    async for chunk in client.follow_log(run, task["task_id"]):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            _say_line(context, path, line, alone)
    if rest:
        _say_line(context, path, rest, alone)


def _say_line(context: Context, path: str, line: bytes, alone: bool) -> None:
    import json

    text = line.decode(errors="replace")
    if context.json:
        click.echo(json.dumps({"path": path, "line": text}))
    else:
        click.echo(text if alone else click.style(f"{path} | ", dim=True) + text)

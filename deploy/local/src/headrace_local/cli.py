"""``headrace up``, ``down``, ``status``, ``logs``, ``reset``, ``token``: the local deployment."""

from __future__ import annotations

import errno
import json
import shutil
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, local_command
from headrace.cli.output import print_result

from headrace_local import control, processes
from headrace_local.data import SERVICES, Data, DataError

_HEALTH_SECONDS = 2.0
_NAMES = (*SERVICES, "nats", "postgres", "s3", "supervisor")


@click.command()
@click.option(
    "--foreground",
    is_flag=True,
    help="Stay in the foreground; Ctrl-C stops the deployment.",
)
@local_command
def up(context: Context, foreground: bool) -> None:
    """Start the local deployment, and wait until it is ready."""
    data = Data(context.data)
    try:
        with _control_errors():
            data.prepare()
    except (DataError, OSError) as error:
        raise CommandFailed("CANNOT_START", str(error)) from None
    start = control.Start(data, _reporter(context))
    try:
        with _control_errors():
            view = start.wait()
    except KeyboardInterrupt:
        start.abandon()
        raise
    url = view.content["gateway_url"]
    if start.spawned is None:
        print_result(context, _summary(data, view), f"already running at {url}")
        return
    print_result(
        context,
        _summary(data, view),
        f"Headrace is ready at {url}\n"
        f"  data   {data.path}\n"
        f"  token  headrace token{_data_hint(context)}  (for other users and machines)\n"
        f"  stop   headrace down{_data_hint(context)}",
    )
    if foreground:
        try:
            start.spawned.wait()
        except KeyboardInterrupt:
            start.abandon()


@click.command()
@local_command
def down(context: Context) -> None:
    """Stop the local deployment and its running steps. Its data stays."""
    data = Data(context.data)
    if not data.is_ours():
        raise CommandFailed("NOT_A_DATA_FOLDER", f"there is no deployment in {data.path}")
    with _control_errors():
        stopped = control.stop(data)
    text = "stopped" if stopped else "was not running"
    print_result(context, {"state": "stopped", "was_running": stopped}, f"Headrace {text}")


@click.command()
@local_command
def status(context: Context) -> None:
    """Show the processes of the local deployment. Exits with 1 unless all are ready."""
    data = Data(context.data)
    view = control.look(data)
    entries = {
        name: {**entry, "rss_bytes": processes.resident_bytes(entry["pid"]) if entry["pid"] else 0}
        for name, entry in (view.content.get("processes", {}) if view.is_running else {}).items()
    }
    url = view.content.get("gateway_url")
    refusal = _refusal(url) if view.state == "ready" and url else None
    summary = {**_summary(data, view), "refuses_new_work": refusal, "processes": entries}
    lines = [f"{view.state}  {summary['gateway_url'] or ''}".rstrip()]
    lines += [f"  {problem}" for problem in view.problems]
    if refusal is not None:
        lines.append(f"  not enough free space in {data.path}: {refusal} to accept new work")
    for name, entry in entries.items():
        readiness = "ready" if entry["ready"] else "not ready"
        lines.append(
            f"  {name:<11} {readiness:<9} pid {entry['pid'] or '-':<8} port {entry['port']:<6} "
            f"{entry['rss_bytes'] / 1e6:6.0f} MB  restarts {entry['restarts']}"
            + (f"  ({entry['last_restart']})" if entry["last_restart"] else "")
        )
    if view.is_running:
        lines.append(f"  token for other users and machines: headrace token{_data_hint(context)}")
    print_result(context, summary, "\n".join(lines))
    if view.state != "ready":
        sys.exit(1)


@click.command()
@click.argument("service", type=click.Choice(_NAMES))
@click.option("-f", "--follow", is_flag=True, help="Print new lines until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Number of lines to show at first.",
)
@local_command
def logs(context: Context, service: str, follow: bool, lines: int) -> None:
    """Show the log of a service or server of the local deployment."""
    path = Data(context.data).logs / f"{service}.log"
    if not path.exists():
        raise CommandFailed("NOT_FOUND", f"there is no log of {service} in {context.data}")
    with path.open(errors="replace") as file:
        tail = deque(file, maxlen=lines)
        if context.json:
            print_result(
                context, {"service": service, "lines": [line.rstrip("\n") for line in tail]}, ""
            )
            return
        click.echo("".join(tail), nl=False)
        while follow:
            line = file.readline()
            if line:
                click.echo(line, nl=False)
            else:
                time.sleep(0.2)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@local_command
def reset(context: Context, yes: bool) -> None:
    """Delete the local deployment and all its data.

    Deletes its runs, pipelines, artifacts, environments, logs and secrets.
    """
    data = Data(context.data)
    if not data.is_ours():
        raise CommandFailed("NOT_A_DATA_FOLDER", f"{data.path} is not a Headrace data folder")
    hint = _data_hint(context)
    running = CommandFailed(
        "RUNNING", f"the deployment is running; stop it with: headrace down{hint}"
    )
    if control.look(data).is_running:
        raise running
    if not yes and context.json:
        raise CommandFailed("NOT_CONFIRMED", "--json is non-interactive; pass --yes to confirm")
    if not yes:
        click.confirm(f"Delete {data.path} and everything in it?", abort=True)
    lock = data.lock()
    if lock is None:
        raise running
    with lock:
        control.end_leftovers(data)
        shutil.rmtree(data.path)
    print_result(context, {"deleted": str(data.path)}, f"deleted {data.path}")


@click.command()
@local_command
def token(context: Context) -> None:
    """Print the token of the local deployment.

    It gives full access to the deployment.
    """
    data = Data(context.data)
    if not data.is_ours():
        raise CommandFailed("NOT_A_DATA_FOLDER", f"there is no deployment in {data.path}")
    try:
        found = data.secrets()["owner_token"]
    except (DataError, OSError) as error:
        raise CommandFailed("CANNOT_READ", str(error)) from None
    print_result(context, {"token": found}, found)


commands = [up, down, status, logs, reset, token]


def _refusal(gateway_url: str) -> str | None:
    """Why the deployment refuses new work; None if it does not, or does not say."""
    try:
        with urllib.request.urlopen(  # noqa: S310  # loopback
            f"{gateway_url}/api/v1/healthz", timeout=_HEALTH_SECONDS
        ) as response:
            reason: str | None = json.load(response).get("reason")
    except (OSError, ValueError):
        return None
    return reason


def _summary(data: Data, view: control.View) -> dict[str, Any]:
    return {
        "state": view.state,
        "gateway_url": view.content.get("gateway_url") if view.is_running else None,
        "data": str(data.path),
        "problems": view.problems,
    }


def _reporter(context: Context) -> Callable[[str], None]:
    """Prints what a command waits for, unless its output is for a program."""
    return lambda text: None if context.json else click.echo(f"waiting: {text}", err=True)


@contextmanager
def _control_errors() -> Iterator[None]:
    """Raise what a command cannot do, also for lack of disk space, as an error of the command."""
    try:
        yield
    except control.ControlError as error:
        raise CommandFailed(error.code, str(error)) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CommandFailed("DISK_FULL", f"the disk is full: {error}") from None


def _data_hint(context: Context) -> str:
    return "" if context.is_default_data else f" --data {context.data}"

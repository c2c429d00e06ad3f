"""``headrace up``, ``down``, ``status``, ``logs``, ``reset``, ``token``: the local deployment."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import deque
from pathlib import Path
from typing import Any

import click
from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, local_command
from headrace.cli.output import print_result

from headrace_local import processes
from headrace_local.data import SERVICES, Data, DataError

_UP_SECONDS = 90.0
_DOWN_SECONDS = 30.0
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
        data.prepare()
    except (DataError, OSError) as error:
        raise CommandFailed("CANNOT_START", str(error)) from None
    if _running(data):
        state = _wait_ready(data, None)
        print_result(context, _summary(data, state), f"already running at {state['gateway_url']}")
        return
    if not processes.of_deployment(data.path):  # else the new supervisor reads what to clear
        (data.run / "state.json").unlink(missing_ok=True)
    supervisor = _spawn(data)
    try:
        state = _wait_ready(data, supervisor)
    except KeyboardInterrupt:
        _stop(data, supervisor)
        raise
    print_result(
        context,
        _summary(data, state),
        f"Headrace is ready at {state['gateway_url']}\n"
        f"  data   {data.path}\n"
        f"  token  headrace token{_data_hint(context)}  (for other users and machines)\n"
        f"  stop   headrace down{_data_hint(context)}",
    )
    if foreground:
        try:
            supervisor.wait()
        except KeyboardInterrupt:
            _stop(data, supervisor)


@click.command()
@local_command
def down(context: Context) -> None:
    """Stop the local deployment and its running steps. Its data stays."""
    data = Data(context.data)
    if not data.is_ours():
        raise CommandFailed("NOT_A_DATA_FOLDER", f"there is no deployment in {data.path}")
    stopped = _stop(data)
    text = "stopped" if stopped else "was not running"
    print_result(context, {"state": "stopped", "was_running": stopped}, f"Headrace {text}")


@click.command()
@local_command
def status(context: Context) -> None:
    """Show the processes of the local deployment. Exits with 1 unless all are ready."""
    data = Data(context.data)
    running = data.is_ours() and _running(data)
    state = data.state() if running else {}
    entries = {
        name: {**entry, "rss_bytes": processes.resident_bytes(entry["pid"]) if entry["pid"] else 0}
        for name, entry in state.get("processes", {}).items()
    }
    overall = state.get("state", "stopped")
    refusal = _refusal(state["gateway_url"]) if overall == "ready" else None
    summary = {
        **_summary(data, state),
        "state": overall,
        "refuses_new_work": refusal,
        "processes": entries,
    }
    lines = [f"{overall}  {state.get('gateway_url', '')}".rstrip()]
    if refusal is not None:
        lines.append(f"  not enough free space in {data.path}: {refusal} to accept new work")
    for name, entry in entries.items():
        readiness = "ready" if entry["ready"] else "starting"
        lines.append(
            f"  {name:<11} {readiness:<9} pid {entry['pid'] or '-':<8} port {entry['port']:<6} "
            f"{entry['rss_bytes'] / 1e6:6.0f} MB  restarts {entry['restarts']}"
        )
    if running:
        lines.append(f"  token for other users and machines: headrace token{_data_hint(context)}")
    print_result(context, summary, "\n".join(lines))
    if overall != "ready":
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
    if _running(data):
        hint = _data_hint(context)
        raise CommandFailed(
            "RUNNING", f"the deployment is running; stop it with: headrace down{hint}"
        )
    if not yes and context.json:
        raise CommandFailed("NOT_CONFIRMED", "--json is non-interactive; pass --yes to confirm")
    if not yes:
        click.confirm(f"Delete {data.path} and everything in it?", abort=True)
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


def _running(data: Data) -> bool:
    lock = data.lock()
    if lock is None:
        return True
    lock.close()
    return False


def _spawn(data: Data) -> subprocess.Popen[bytes]:
    with (data.logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "headrace_local.supervisor", "--data", str(data.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _wait_ready(data: Data, supervisor: subprocess.Popen[bytes] | None) -> dict[str, Any]:
    deadline = time.monotonic() + _UP_SECONDS
    while time.monotonic() < deadline:
        state = data.state()
        ours = supervisor is None or state.get("supervisor") == supervisor.pid
        if state.get("state") == "ready" and ours:
            return dict(state)
        if supervisor is not None and supervisor.poll() is not None:
            why = state.get("failure") or _last_line(data.logs / "supervisor.log")
            raise CommandFailed("CANNOT_START", f"the deployment did not start: {why}")
        time.sleep(0.02)
    raise CommandFailed("CANNOT_START", "the deployment did not become ready; see: headrace status")


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "its log is empty"


def _stop(data: Data, supervisor: subprocess.Popen[bytes] | None = None) -> bool:
    """Stop the supervisor, and kill processes that a dead one left. Returns whether any ran. A
    `supervisor` that this process has started may not have written its state yet."""
    was_running = _running(data)
    if supervisor is not None:
        supervisor.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            supervisor.wait(_DOWN_SECONDS)
    elif was_running and (pid := data.state().get("supervisor")):
        os.kill(pid, signal.SIGTERM)
        processes.wait_until_ended({pid: processes.start_time(pid) or 0}, _DOWN_SECONDS)
    left = {pid: processes.start_time(pid) or 0 for pid in processes.of_deployment(data.path)}
    for number in (signal.SIGINT, signal.SIGKILL):  # Postgres stops cleanly on the first
        for orphan in left:
            processes.kill(orphan, number)
        left = {pid: left[pid] for pid in processes.wait_until_ended(left, 3)}
    return was_running or bool(left)


def _summary(data: Data, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": state.get("state", "stopped"),
        "gateway_url": state.get("gateway_url"),
        "data": str(data.path),
    }


def _data_hint(context: Context) -> str:
    return "" if context.is_default_data else f" --data {context.data}"

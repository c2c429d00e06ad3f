"""``headrace up | down | status | logs | reset | token``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
from headrace.cli.options import Context, Failed, common_options, say

from headrace_local import processes
from headrace_local.data import SERVICES, Data, DataError

_UP_SECONDS = 90.0
_DOWN_SECONDS = 30.0
_NAMES = (*SERVICES, "nats", "postgres", "s3", "supervisor")


@click.command()
@common_options
@click.option("--foreground", is_flag=True, help="Stay, and stop everything on Ctrl-C.")
def up(context: Context, foreground: bool) -> None:
    """Start the deployment, and come back when it is ready."""
    data = Data(context.data)
    try:
        data.prepare()
    except (DataError, OSError) as error:
        raise Failed("CANNOT_START", str(error)) from None
    if _running(data):
        state = _wait_ready(data, None)
        say(context, _summary(data, state), f"already running at {state['gateway_url']}")
        return
    (data.run / "state.json").unlink(missing_ok=True) if not _leftovers(data) else None
    supervisor = _spawn(data)
    try:
        state = _wait_ready(data, supervisor)
    except KeyboardInterrupt:
        _stop(data)
        raise
    say(
        context,
        _summary(data, state),
        f"Headrace is ready at {state['gateway_url']}\n"
        f"  data   {data.path}\n"
        f"  token  headrace token{_data_hint(context)}  (for another user or machine)\n"
        f"  stop   headrace down{_data_hint(context)}",
    )
    if foreground:
        try:
            supervisor.wait()
        except KeyboardInterrupt:
            _stop(data)


@click.command()
@common_options
def down(context: Context) -> None:
    """Stop the deployment, its steps included. Its data stays."""
    data = Data(context.data)
    if not data.is_ours():
        raise Failed("NOT_A_DATA_FOLDER", f"there is no deployment in {data.path}")
    stopped = _stop(data)
    text = "stopped" if stopped else "was not running"
    say(context, {"state": "stopped", "was_running": stopped}, f"Headrace {text}")


@click.command()
@common_options
def status(context: Context) -> None:
    """Show the processes of the deployment. Exit status 0 only when all are ready."""
    data = Data(context.data)
    running = data.is_ours() and _running(data)
    state = data.state() if running else {}
    entries = {
        name: {**entry, "rss_bytes": processes.resident_bytes(entry["pid"]) if entry["pid"] else 0}
        for name, entry in state.get("processes", {}).items()
    }
    overall = state.get("state", "stopped")
    summary = {**_summary(data, state), "state": overall, "processes": entries}
    lines = [f"{overall}  {state.get('gateway_url', '')}".rstrip()]
    for name, entry in entries.items():
        mark = "ready" if entry["ready"] else "starting"
        lines.append(
            f"  {name:<11} {mark:<9} pid {entry['pid'] or '-':<8} port {entry['port']:<6} "
            f"{entry['rss_bytes'] / 1e6:6.0f} MB  restarts {entry['restarts']}"
        )
    if running:
        lines.append(f"  token for another user or machine: headrace token{_data_hint(context)}")
    say(context, summary, "\n".join(lines))
    if overall != "ready":
        sys.exit(1)


@click.command()
@click.argument("service", type=click.Choice(_NAMES))
@common_options
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows.")
@click.option("-n", "--lines", default=100, show_default=True, help="How many lines to show.")
def logs(context: Context, service: str, follow: bool, lines: int) -> None:
    """Show the log of a service or server."""
    path = Data(context.data).logs / f"{service}.log"
    if not path.exists():
        raise Failed("NOT_FOUND", f"there is no log of {service} in {context.data}")
    with path.open(errors="replace") as file:
        tail = file.readlines()[-lines:]
        if context.json:
            say(context, {"service": service, "lines": [line.rstrip("\n") for line in tail]}, "")
            return
        click.echo("".join(tail), nl=False)
        while follow:
            line = file.readline()
            if line:
                click.echo(line, nl=False)
            else:
                time.sleep(0.2)


@click.command()
@common_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(context: Context, yes: bool) -> None:
    """Delete the data folder with all runs, artifacts and environments."""
    data = Data(context.data)
    if not data.is_ours():
        raise Failed("NOT_A_DATA_FOLDER", f"{data.path} is not a Headrace data folder")
    if _running(data):
        raise Failed("RUNNING", "the deployment is running; stop it with: headrace down")
    if not yes and context.json:
        raise Failed("NOT_CONFIRMED", "nobody can be asked with --json; say --yes")
    if not yes:
        click.confirm(f"Delete {data.path} and everything in it?", abort=True)
    shutil.rmtree(data.path)
    say(context, {"deleted": str(data.path)}, f"deleted {data.path}")


@click.command()
@common_options
def token(context: Context) -> None:
    """Print the deployment's token: whoever has it may do everything."""
    data = Data(context.data)
    if not data.is_ours():
        raise Failed("NOT_A_DATA_FOLDER", f"there is no deployment in {data.path}")
    try:
        found = data.secrets()["owner_token"]
    except (DataError, OSError) as error:
        raise Failed("CANNOT_READ", str(error)) from None
    say(context, {"token": found}, found)


commands = [up, down, status, logs, reset, token]


def _running(data: Data) -> bool:
    lock = data.lock()
    if lock is None:
        return True
    lock.close()
    return False


def _leftovers(data: Data) -> bool:
    return bool(processes.of_deployment(data.path))


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
            raise Failed("CANNOT_START", f"the deployment did not start: {why}")
        time.sleep(0.02)
    raise Failed("CANNOT_START", "the deployment did not become ready; see headrace status")


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "it said nothing"


def _stop(data: Data) -> bool:
    """End the supervisor, or clear what is left when it is dead. Returns whether anything ran."""
    state = data.state()
    pid = state.get("supervisor")
    ran = _running(data)
    if ran and pid:
        os.kill(pid, signal.SIGTERM)
        processes.wait_until_ended({pid: processes.start_time(pid) or 0}, _DOWN_SECONDS)
    left = {pid: processes.start_time(pid) or 0 for pid in processes.of_deployment(data.path)}
    for number in (signal.SIGINT, signal.SIGKILL):  # Postgres stops cleanly on the first
        for orphan in left:
            processes.kill(orphan, number)
        left = {pid: left[pid] for pid in processes.wait_until_ended(left, 3)}
    return ran or bool(left)


def _summary(data: Data, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": state.get("state", "stopped"),
        "gateway_url": state.get("gateway_url"),
        "data": str(data.path),
    }


def _data_hint(context: Context) -> str:
    return "" if context.is_default_data else f" --data {context.data}"

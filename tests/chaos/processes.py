"""Finds the processes of the deployment, by what each of them is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("api", "scheduler", "executor", "recorder", "ui_gateway")
SERVERS = ("nats", "postgres", "s3")
DAEMONS = ("supervisor", *SERVICES, *SERVERS)
"""Of each of them one process runs."""
INNER = ("postgres-backend", "fork-server", "launcher", "step")
"""Any number of each."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `role`: one of the names above, or ``other``."""

    pid: int
    parent: int
    started: int
    """In kernel ticks; with the id it identifies the process."""
    role: str
    command: str
    launch: str = ""
    """The launch id of a step's process."""


def of_deployment(data: Path) -> list[Process]:
    """All processes of a deployment, by id."""
    marked = {p.pid: p for p in _all(data)}
    postmaster = next((p.pid for p in marked.values() if p.role == "postgres"), None)
    executor = next((p.pid for p in marked.values() if p.role == "executor"), None)
    found = []
    for process in marked.values():
        role = process.role
        if process.parent == postmaster and postmaster is not None:
            role = "postgres-backend"
        elif role == "launcher" and process.parent == executor:
            role = "fork-server"
        elif process.command.startswith("postgres: "):
            continue  # of another deployment
        found.append(
            Process(
                process.pid, process.parent, process.started, role, process.command, process.launch
            )
        )
    return sorted(found, key=lambda process: process.pid)


def send(process: Process, number: signal.Signals) -> bool:
    """Send a signal, unless the process has ended."""
    if start_time(process.pid) != process.started:
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def start_time(pid: int) -> int | None:
    """When a process was started; None if it has ended."""
    found = _stat(pid)
    return None if found is None else found[1]


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and its ended children have used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def with_argument(text: str) -> list[tuple[int, str]]:
    """All processes of the machine with this text in their command line."""
    return [(pid, command) for pid, command in _commands() if text in command]


def _all(data: Path) -> Iterator[Process]:
    marks = (f"HEADRACE_DATA_DIR={data}".encode(),)
    for pid, command in _commands():
        stat = _stat(pid)
        if stat is None:
            continue
        if "headrace_local.supervisor" in command and str(data) in command:
            yield Process(pid, *stat, "supervisor", command)
            continue
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        launch = next(
            (e[19:].decode() for e in environ if e.startswith(b"HEADRACE_LAUNCH_ID=")), ""
        )
        if launch and marks[0] in environ:
            yield Process(pid, *stat, "step", command, launch)
        elif marks[0] in environ:
            yield Process(pid, *stat, _role(command), command)
        elif command.startswith("postgres: "):  # Postgres overwrites its environment
            yield Process(pid, *stat, "other", command)


def _role(command: str) -> str:
    if "headrace_launcher" in command:
        return "launcher"
    for service in SERVICES:
        if f"headrace_{service}" in command:
            return service
    program = os.path.basename(command.split(" ", 1)[0])
    return {"nats-server": "nats", "weed": "s3", "postgres": "postgres"}.get(program, "other")


def _commands() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if line:
            yield int(entry.name), line.strip()


def _stat(pid: int) -> tuple[int, int] | None:
    """Parent and start time."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))

"""Processes of this machine that need not be children of this one: find, signal, await them.

A process is identified by its number and its start time in clock ticks since boot. psutil does not
offer that: its start times depend on the wall clock, so that after a clock change a restarted
executor would not recognize its launchers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_START_TIME = 19
"""Index of `starttime` in /proc/PID/stat after the parenthesised name (proc(5), field 22)."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, distinguished from a later one with the same number by its start time (ticks)."""

    pid: int
    start_time: int


def is_alive(process: ProcessId) -> bool:
    """Whether this very process runs; a zombie has ended."""
    return _running(process.pid) == process


async def wait_for_end(process: ProcessId) -> None:
    """Return when the process has ended, at once if it has already. Needs Linux 5.3."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if not is_alive(process):
            return
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
    finally:
        os.close(descriptor)


def send(process: ProcessId, number: signal.Signals) -> None:
    """Signal the process, unless it has ended."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def find_by_stderr(path: str) -> ProcessId | None:
    """The process whose standard error is the file at `path`; the oldest if there are several,
    since a child has the file for a moment between fork and exec."""
    if not os.path.exists(path):  # the search reads all of /proc
        return None
    found = [
        process
        for pid in _pids()
        if _target(f"/proc/{pid}/fd/2") == path and (process := _running(pid)) is not None
    ]
    return min(found, key=lambda process: process.start_time, default=None)


def kill_marked(name: str, value: str) -> None:
    """Kill every process that was started with this variable in its environment."""
    marker = f"{name}={value}".encode()
    for pid in _pids():
        if marker in _environment(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _pids() -> Iterator[int]:
    """Every process that can be seen."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _environment(pid: int) -> list[bytes]:
    """The variables that a process was started with; none when it has ended or is not ours."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _running(pid: int) -> ProcessId | None:
    """The process with this number; None when there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else ProcessId(pid, int(fields[_START_TIME]))


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headrace_runtime.errors import RetryableError

_END_TRIES = 100
_END_PAUSE_SECONDS = 0.02
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


async def end_marked(owner: str, name: str, value: str) -> None:
    """Kill every process that has two variables in its environment: `owner`, given as
    ``NAME=VALUE``, and `name` with this value or one that continues it after a hyphen. Returns when
    there is none.

    Raises:
        RetryableError: they do not end.
    """
    marks = (f"{name}={value}".encode(), f"{name}={value}-".encode())

    def is_meant(pid: int) -> bool:
        found = _environment(pid)
        return owner.encode() in found and any(_is_marked(one, marks) for one in found)

    await _end(is_meant)


async def end_users(path: str) -> None:
    """Kill every process that has this file open; returns when there is none.

    Raises:
        RetryableError: they do not end.
    """
    await _end(lambda pid: path in _open_files(pid))


async def _end(is_meant: Callable[[int], bool]) -> None:
    for _ in range(_END_TRIES):
        found = [pid for pid in _pids() if pid != os.getpid() and is_meant(pid)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_END_PAUSE_SECONDS)
    raise RetryableError(f"killed processes of a step have not ended yet: {found}")


def _is_marked(variable: bytes, marks: tuple[bytes, bytes]) -> bool:
    return variable == marks[0] or variable.startswith(marks[1])


def _open_files(pid: int) -> list[str]:
    """What the descriptors of a process refer to; nothing when it has ended or is not ours."""
    folder = f"/proc/{pid}/fd"
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(os.readlink(f"{folder}/{name}"))
    return found


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

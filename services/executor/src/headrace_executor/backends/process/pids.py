"""Processes of this machine that need not be our children: are they alive, and when do they end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from headrace_executor.backends.port import Handle

_PROC = Path("/proc")
_START_TIME = 19
"""Index of `starttime` in /proc/PID/stat after the parenthesised name (proc(5), field 22)."""


def is_alive(handle: Handle) -> bool:
    """Whether this very process runs; a zombie has ended."""
    stat = _stat(handle.pid)
    return stat is not None and stat[0] != "Z" and int(stat[_START_TIME]) == handle.started


async def wait_for_end(handle: Handle) -> None:
    """Return when the process has ended, at once when it has already. Needs Linux 5.3."""
    try:
        descriptor = os.pidfd_open(handle.pid)
    except ProcessLookupError:
        return
    try:
        if not is_alive(handle):
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


def send(handle: Handle, number: signal.Signals) -> None:
    """Signal the process, if it is still the one that is meant."""
    if is_alive(handle):
        try:
            os.kill(handle.pid, number)
        except ProcessLookupError:
            return


def find_by_stderr(path: str) -> Handle | None:
    """The process whose standard error is this file: how a launcher is found that was started just
    before its executor died. Of several (a step inherits nothing, but a fork is brief), the
    oldest."""
    found = [
        handle
        for entry in _PROC.iterdir()
        if entry.name.isdigit() and _reads(entry / "fd" / "2") == path
        for handle in _handle(int(entry.name))
    ]
    return min(found, key=lambda handle: handle.started, default=None)


def kill_marked(marker: str) -> None:
    """Kill every process that was started with this ``NAME=value`` in its environment."""
    wanted = marker.encode()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and wanted in _environment(entry):
            try:
                os.kill(int(entry.name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _handle(pid: int) -> list[Handle]:
    stat = _stat(pid)
    return [Handle(pid, int(stat[_START_TIME]))] if stat and stat[0] != "Z" else []


def _stat(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _reads(link: Path) -> str | None:
    try:
        return os.readlink(link)  # /proc links are text, not places
    except OSError:
        return None


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []

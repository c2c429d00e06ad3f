"""Starts, finds and ends the processes of a deployment.

A process is identified by its id and start time in kernel ticks, read from ``/proc``. The start
times of psutil depend on the wall clock: after a clock change, a new supervisor would not recognize
the processes of its predecessor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from headrace_local.programs import Program

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_PROC = Path("/proc")


def start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a program, which gets its orphan signal when this process dies. Call it from the main
    thread only: the kernel sends that signal when the thread that forked ends."""
    with log.open("ab") as output:
        return subprocess.Popen(
            program.argv,
            env=program.env,
            cwd=program.cwd,
            user=program.user,
            group=program.user,
            extra_groups=[] if program.user is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_signal_on_parent_death(os.getpid(), program.orphan_signal),
        )


def _signal_on_parent_death(parent: int, number: signal.Signals) -> Callable[[], None]:
    def set_signal() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)

    return set_signal


def start_time(pid: int) -> int | None:
    """When a process was started, in kernel ticks; None if it has ended. A zombie has ended."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def resident_bytes(pid: int) -> int:
    """The resident memory of a process without its children; 0 if it has ended."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def of_deployment(data: Path) -> list[int]:
    """All other processes that have this data folder in their environment."""
    wanted = f"HEADRACE_DATA_DIR={data}".encode()
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environ and start_time(int(entry.name)) is not None:
            found.append(int(entry.name))
    return found


def kill(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, which may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until_ended(start_times: dict[int, int], seconds: float) -> set[int]:
    """Wait for processes, given by id and start time, to end; returns those that have not."""
    deadline = time.monotonic() + seconds
    running = set(start_times)
    while running and time.monotonic() < deadline:
        running = {pid for pid in running if start_time(pid) == start_times[pid]}
        time.sleep(0.01)
    return running

"""Starts, finds and ends the processes of a deployment.

A process is identified by its id and start time in kernel ticks, read from ``/proc``. The start
times of psutil depend on the wall clock: after a clock change, a new supervisor would not recognize
the processes of its predecessor.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Container
from pathlib import Path

from headrace_local import groups
from headrace_local.programs import Program

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
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
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _stat(pid: int) -> list[str] | None:
    """The fields of proc(5)'s stat from the third one on, which is the state."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def resident_bytes(pid: int) -> int:
    """The resident memory of a process without its children; 0 if it has ended."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends, so that it finds them."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: Container[int]) -> None:
    """Collect the exit status of ended children other than `own`, which their owner collects."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)


def children(pid: int) -> list[int]:
    """The children of a process; none if it has ended."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    found = children(pid)
    for child in found:  # grows while it is read
        found += children(child)
    return found


def is_stopped(pid: int) -> bool:
    """Whether a signal such as SIGSTOP has stopped the process."""
    fields = _stat(pid)
    return fields is not None and fields[0] == "T"


def stopped_process(pid: int, with_descendants: bool) -> int | None:
    """The process, or one of its descendants, that a signal has stopped."""
    tree = [pid, *(descendants(pid) if with_descendants else ())]
    return next((one for one in tree if is_stopped(one)), None)


def command_line(pid: int) -> list[str]:
    """The command line of a process; empty if it has ended."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def all_ids() -> list[int]:
    """All other processes that this one can see."""
    return [int(name) for name in os.listdir(_PROC) if name.isdigit() and int(name) != os.getpid()]


def marked(data: Path) -> list[int]:
    """All other processes that have this data folder in their environment."""
    wanted = f"HEADRACE_DATA_DIR={data}".encode()
    found = []
    for pid in all_ids():
        try:
            environ = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environ and start_time(pid) is not None:
            found.append(pid)
    return found


def of_deployment(data: Path, group: Path | None) -> set[int]:
    """All other processes of the deployment: those with its mark, and those in its group."""
    in_group = {pid for pid in groups.members(group) if start_time(pid) is not None}
    return in_group.union(marked(data))


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

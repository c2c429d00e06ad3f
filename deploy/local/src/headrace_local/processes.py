"""Starting, recognising and ending processes, ours and those a crash has left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from headrace_local.programs import Program

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_PROC = Path("/proc")


def start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a program; it gets its orphan signal should we die. Main thread only: the kernel ties
    that signal to the thread that forks."""
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
            preexec_fn=_die_with(os.getpid(), program.orphan_signal),
        )


def _die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    def set_signal() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask for the signal
            os._exit(1)

    return set_signal


def start_time(pid: int) -> int | None:
    """When a process was started (kernel ticks), None when it has ended; zombies have."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def resident_bytes(pid: int) -> int:
    """A process's resident memory, its children not counted; 0 when it has ended."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def marked(data: Path) -> list[int]:
    """Every process that was started with this data folder in its environment, but this one."""
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
    """Signal a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return

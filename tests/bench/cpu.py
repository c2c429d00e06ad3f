"""The CPU time of a whole deployment, as the kernel counts it for a control group.

A control group includes ended processes. The time of a launcher would be lost otherwise, since its
parent does not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
_UTIME, _STIME, _CUTIME, _CSTIME = 11, 12, 13, 14
"""Indexes in /proc/PID/stat after the parenthesised name (proc(5), fields 14 to 17)."""


class Group:
    """The control group of one deployment; the whole machine when no group can be created."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def source(self) -> str:
        """What is measured, as a text for the result."""
        return "control group" if self._folder else "the whole machine; keep it quiet"

    def milliseconds(self) -> float:
        """CPU time so far, of running and ended processes."""
        if self._folder is None:
            numbers = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
            user, nice, system, _, _, irq, softirq = map(int, numbers[:7])
            return (user + nice + system + irq + softirq) * _TICK_MS
        used = (self._folder / "cpu.stat").read_text().split()
        return int(used[used.index("usage_usec") + 1]) / 1000

    @contextmanager
    def members(self) -> Iterator[None]:
        """Processes started in this context, and their descendants, belong to the group."""
        if self._folder is None:
            yield
            return
        home = _own_group()
        _enter(self._folder)
        try:
            yield
        finally:
            _enter(home)


@contextmanager
def group() -> Iterator[Group]:
    """A new control group (version 2) below that of this process; needs the right to create one."""
    folder = None
    try:
        folder = _own_group() / f"headrace-bench-{os.getpid()}"
        folder.mkdir()
        _enter(folder)
        _enter(folder.parent)
    except OSError:
        folder = None
    try:
        yield Group(folder)
    finally:
        if folder is not None:
            folder.rmdir()


def trees_milliseconds(roots: Mapping[str, int], leave_out: str) -> dict[str, float]:
    """CPU time of each process and its descendants, including children that it has waited for.
    Processes with the argument `leave_out`, and their descendants, are excluded."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if leave_out.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                continue
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
        used[int(entry.name)] = _TICK_MS * sum(
            int(fields[index]) for index in (_UTIME, _STIME, _CUTIME, _CSTIME)
        )

    def below(pid: int) -> float:
        return used.get(pid, 0.0) + sum(map(below, children.get(pid, ())))

    return {name: below(pid) for name, pid in roots.items()}


def _own_group() -> Path:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            for entry in Path("/proc/self/cgroup").read_text().splitlines():
                if entry.startswith("0::"):
                    return Path(place) / entry[len("0::") :].lstrip("/")
    raise FileNotFoundError("no control groups of version 2")


def _enter(folder: Path) -> None:
    (folder / "cgroup.procs").write_text(str(os.getpid()))

"""A control group (version 2) of the deployment's processes, where this user may create one.

A group has every process that a step has started, also one that has left its session and cleaned
its environment, and also after the supervisor was killed. Root may create groups, and a user below
a delegated group, such as one of ``systemd --user``. Elsewhere there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path


def join(data: Path, known: str | None) -> Path | None:
    """Move this process into the deployment's group, which its children inherit. `known` is the
    group of an earlier supervisor, whose steps may be in it. None where no group can be used."""
    group = Path(known) if known and Path(known).is_dir() else _own_child(data)
    if group is None:
        return None
    try:
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        remove(group)
        return None
    return group


def members(group: Path | None) -> list[int]:
    """The processes of a group other than this one."""
    if group is None:
        return []
    try:
        found = (group / "cgroup.procs").read_text().split()
    except OSError:
        return []
    return [int(pid) for pid in found if int(pid) not in (0, os.getpid())]


def remove(group: Path | None) -> None:
    """Leave the group and remove it, if no other process is in it."""
    if group is None:
        return
    with contextlib.suppress(OSError):
        if str(os.getpid()) in (group / "cgroup.procs").read_text().split():
            (group.parent / "cgroup.procs").write_text(str(os.getpid()))
    with contextlib.suppress(OSError):
        group.rmdir()


def _own_child(data: Path) -> Path | None:
    """Where a group that this process creates would be; None if there are no groups."""
    own = _own_group()
    name = f"headrace-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    return None if own is None else own / name


def _own_group() -> Path | None:
    """The group of this process in the hierarchy of version 2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    mount = next((line.split()[4] for line in mounts if " - cgroup2 " in line), None)
    return Path(mount + path) if path is not None and mount is not None else None

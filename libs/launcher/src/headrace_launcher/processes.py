"""What a process of the launcher does about other processes: reap, find and adopt them."""

from __future__ import annotations

import ctypes
import os
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36

try:
    _PRCTL: Any = ctypes.CDLL(None).prctl
except (OSError, AttributeError):  # not Linux
    _PRCTL = None


def become_subreaper() -> None:
    """Become the parent of all descendants whose own parent ends. Without effect where the system
    has no subreapers."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """The children of this process, which has one thread that forks. Empty where the system does
    not list them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def start_time() -> int:
    """Field 22 of /proc/self/stat (proc(5)), which distinguishes this process from a later one with
    the same number."""
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])

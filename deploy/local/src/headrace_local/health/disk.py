"""Whether the disk of the data folder is full."""

from __future__ import annotations

import os
from pathlib import Path

FULL_BYTES = 16 * 1024 * 1024
"""Postgres allocates its log in segments of this size, and ends when it cannot."""
_FULL_FILES = 64


class Space:
    """The free space, as last looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free_bytes = 0
        self.is_full = False

    def look(self) -> bool:
        """Look at the disk. True if it was full and has space again."""
        was_full = self.is_full
        found = os.statvfs(self._path)
        self._free_bytes = found.f_bavail * found.f_frsize
        short_of_files = found.f_files > 0 and found.f_favail < _FULL_FILES
        self.is_full = self._free_bytes < FULL_BYTES or short_of_files
        return was_full and not self.is_full

    def problem(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        if not self.is_full:
            return ""
        return (
            f"disk full: {self._free_bytes / 1e6:.0f} MB are free in {self._path}; "
            "free some space, then everything goes on by itself"
        )

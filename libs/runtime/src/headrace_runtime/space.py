"""The reserve of free space: below it new work is refused, so that what is running can end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headrace_contracts.failures import RejectionCode

from headrace_runtime.errors import RejectedError
from headrace_runtime.settings import SpaceSettings

_CACHED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Shortage:
    """A file system with less free space than its reserve."""

    folder: Path
    free_bytes: int
    reserve_bytes: int

    @property
    def summary(self) -> str:
        """How much is free and how much is needed, without the place."""
        return f"{_size(self.free_bytes)} are free, and {_size(self.reserve_bytes)} are needed"

    def __str__(self) -> str:
        return (
            f"not enough free space in {self.folder}: {self.summary} to accept new work; delete "
            "runs that are no longer needed, or free disk space, and try again"
        )


class SpaceReserve:
    """Compares the free space of some folders with the reserve, at most once a second."""

    def __init__(
        self,
        settings: SpaceSettings,
        measure: Callable[[Path], os.statvfs_result] = os.statvfs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = settings.reserve_folders
        self._reserve_bytes = settings.reserve_bytes
        self._reserve_share = settings.reserve_percent / 100
        self._measure = measure
        self._clock = clock
        self._measured_at: float | None = None
        self._shortage: Shortage | None = None

    def shortage(self) -> Shortage | None:
        """The first file system with less free space than its reserve; None if all have enough."""
        now = self._clock()
        if self._measured_at is None or now - self._measured_at >= _CACHED_SECONDS:
            self._measured_at = now
            found = (self._shortage_in(folder) for folder in self._folders)
            self._shortage = next((one for one in found if one is not None), None)
        return self._shortage

    def require(self) -> None:
        """Check that new work may be accepted.

        Raises:
            RejectedError: INSUFFICIENT_STORAGE; a file system has less free space than its reserve.
        """
        if (shortage := self.shortage()) is not None:
            raise RejectedError.because(RejectionCode.INSUFFICIENT_STORAGE, str(shortage))

    def _shortage_in(self, folder: Path) -> Shortage | None:
        try:
            found = self._measure(folder)
        except OSError:
            return None  # the stores themselves report a folder that cannot be used
        free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        reserve = min(self._reserve_bytes, int(size * self._reserve_share))
        return Shortage(folder, free, reserve) if free < reserve else None


def _size(count: int) -> str:
    return f"{count / 1024**2:.1f} MiB"

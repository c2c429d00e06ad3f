"""The reserve of free space, with a disk that the test fills."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_runtime.settings import SpaceSettings
from headrace_runtime.space import SpaceReserve

MIB = 1024**2


class Disks:
    """File systems by folder: their free space and size in MiB."""

    def __init__(self, **disks: tuple[int, int]) -> None:
        self.disks = disks
        self.measured = 0
        self.now = 0.0

    def measure(self, folder: Path) -> Any:
        self.measured += 1
        if folder.name not in self.disks:
            raise FileNotFoundError(folder)
        free, size = self.disks[folder.name]
        return os.statvfs_result((MIB, MIB, size, free, free, 0, 0, 0, 0, 255))

    def reserve(self, **settings: Any) -> SpaceReserve:
        folders = tuple(Path("/") / name for name in (*self.disks, "missing"))
        found = SpaceSettings(reserve_folders=folders, **settings)
        return SpaceReserve(found, self.measure, lambda: self.now)


@pytest.mark.parametrize(
    ("free", "size", "is_enough"),
    [(256, 100_000, True), (255, 100_000, False), (100, 1000, True), (99, 1000, False)],
)
def test_the_reserve_is_absolute_and_smaller_on_small_disks(
    free: int, size: int, is_enough: bool
) -> None:
    assert (Disks(a=(free, size)).reserve().shortage() is None) == is_enough


def test_each_folder_counts_and_the_refusal_names_the_one_without_space() -> None:
    reserve = Disks(a=(5000, 10_000), b=(3, 10_000)).reserve()
    with pytest.raises(RejectedError) as refused:
        reserve.require()
    rejection = refused.value.rejection
    assert rejection.code is RejectionCode.INSUFFICIENT_STORAGE
    for part in ("in /b:", "3.0 MiB are free", "256.0 MiB are needed"):
        assert part in rejection.message


def test_it_is_measured_once_a_second() -> None:
    disks = Disks(a=(5000, 10_000))
    reserve = disks.reserve()
    reserve.require()
    disks.disks["a"] = (0, 10_000)
    measured = disks.measured
    for _ in range(1000):
        reserve.require()
    assert disks.measured == measured
    disks.now = 1.0
    assert reserve.shortage() is not None


def test_without_folders_or_reserve_nothing_is_refused() -> None:
    SpaceReserve(SpaceSettings()).require()
    Disks(a=(0, 10_000)).reserve(reserve_bytes=0).require()

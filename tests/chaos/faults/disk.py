"""A full disk, and a bus whose disk is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from random import Random

from tests.chaos import processes
from tests.chaos.faults.kind import Drawn, FaultKind, choose, note
from tests.chaos.journal import Fault
from tests.chaos.testbed import Testbed, resize

_ATTEMPTS = 20
_MARGIN_BYTES = 16 * 1024


class DiskFull(FaultKind):
    """The file system of the data folder has no room left: for a moment, as when a step fills it
    and ends, or for up to a minute."""

    name = "disk-full"
    targets = ("data-folder",)
    exclusive = True

    def draw(self, random: Random) -> Drawn:
        seconds = random.choice([0.5, 5.0, 15.0, 60.0])
        return Drawn(self.targets[0], seconds, random.random())

    def missing(self, bed: Testbed) -> str | None:
        return None if bed.own_file_system else "no file system of its own; it needs root"

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        """Shrink the file system to what it holds, which needs no memory for a filler."""
        try:
            used = await bed.in_thread(_fill, bed)
            fault.hit = True
            fault.detail = f"full at {used / 1e6:.0f} MB"
            await asyncio.sleep(drawn.seconds)
        finally:
            resize(bed.data, None)


def _fill(bed: Testbed) -> int:
    """Leave no room; returns the bytes that are used. What is written meanwhile is in the way, so
    it takes several attempts."""
    for margin in range(_ATTEMPTS):
        usage = os.statvfs(bed.data)
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        with contextlib.suppress(subprocess.CalledProcessError):
            resize(bed.data, used + margin * _MARGIN_BYTES)
            return used
    raise OSError("the file system cannot be made small")


class BusLost(FaultKind):
    """A service is behind with its messages; then NATS is killed, and its folder is gone when it
    starts again."""

    name = "bus-lost"
    targets = ("api", "scheduler", "executor", "recorder")
    """The services that are behind."""
    shortest = 1.0
    longest = 5.0

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        behind = choose(bed, drawn, fault)
        if behind is None:
            return
        processes.send(behind, signal.SIGSTOP)
        try:
            await asyncio.sleep(drawn.seconds)
            await bed.in_thread(_lose_bus, bed, fault)
        finally:
            processes.send(behind, signal.SIGCONT)


def _lose_bus(bed: Testbed, fault: Fault) -> None:
    everything = processes.of_deployment(bed.data)
    bus = next((process for process in everything if process.role == "nats"), None)
    if bus is None:
        return
    note(fault, everything, bus)
    state, lost = bed.data / "nats" / "js", bed.data / f"lost-{fault.number}"
    # The server gets no time to write into a new folder.
    processes.send(bus, signal.SIGSTOP)
    if state.exists():
        os.rename(state, lost)
    processes.send(bus, signal.SIGKILL)
    shutil.rmtree(lost, ignore_errors=True)

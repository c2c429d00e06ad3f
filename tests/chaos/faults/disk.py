"""A full disk, and a bus whose disk is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from random import Random

from tests.chaos import processes
from tests.chaos.faults.kind import Drawn, FaultKind, choose
from tests.chaos.journal import Fault
from tests.chaos.testbed import Testbed, resize


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
        usage = os.statvfs(bed.data)
        used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        fault.hit = True
        fault.detail = f"full at {used / 1e6:.0f} MB"
        try:
            resize(bed.data, used)
            await asyncio.sleep(drawn.seconds)
        finally:
            resize(bed.data, None)


class BusLost(FaultKind):
    """NATS is killed, and its folder is gone when it starts again."""

    name = "bus-lost"
    targets = ("nats",)

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        process = choose(bed, drawn, fault)
        if process is None:
            return
        state = bed.data / "nats" / "js"
        lost = bed.folder / f"lost-{fault.number}"
        processes.send(process, signal.SIGSTOP)
        # A rename takes effect at once; the server has no time to write into a new folder.
        if state.exists():
            os.rename(state, bed.data / lost.name)
        processes.send(process, signal.SIGKILL)
        shutil.rmtree(bed.data / lost.name, ignore_errors=True)

"""Too little memory, and too few descriptors, for one process."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import ClassVar

from tests.chaos.faults.kind import Drawn, FaultKind, choose, lasts
from tests.chaos.journal import Fault
from tests.chaos.processes import SERVICES, Process
from tests.chaos.testbed import Testbed


class _Limit(FaultKind):
    """A limit of a running process is set to what it uses, and set back."""

    targets = ("supervisor", *SERVICES, "nats")
    shortest = 2.0
    longest = 10.0
    limit: ClassVar[int]

    def used(self, process: Process) -> int:
        """What the process uses now."""
        raise NotImplementedError

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        if lasts(bed, fault, (self.name,)):
            return
        process = choose(bed, drawn, fault)
        if process is None:
            return
        try:
            used = self.used(process)
            before = resource.prlimit(process.pid, self.limit)
            resource.prlimit(process.pid, self.limit, (used, before[1]))
            await asyncio.sleep(drawn.seconds)
            resource.prlimit(process.pid, self.limit, before)
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended; its successor has the normal limits


class LittleMemory(_Limit):
    """No more address space than now, and two megabytes."""

    name = "little-memory"
    limit = resource.RLIMIT_AS

    def used(self, process: Process) -> int:
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE") + 2 * 1024**2


class FewDescriptors(_Limit):
    """One more descriptor than now."""

    name = "few-descriptors"
    limit = resource.RLIMIT_NOFILE

    def used(self, process: Process) -> int:
        return max(int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd")) + 2

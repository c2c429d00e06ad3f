"""A service whose clock is wrong."""

from __future__ import annotations

import asyncio
import signal
from random import Random

from tests.chaos import processes
from tests.chaos.faults.kind import Drawn, FaultKind, choose, lasts
from tests.chaos.journal import Fault
from tests.chaos.processes import SERVICES
from tests.chaos.testbed import Testbed

_WRONG_SECONDS = 25.0
_JUMP_SECONDS = 5.0


class ClockAhead(FaultKind):
    """A service is killed and comes back with a clock that is an hour ahead, or a minute behind;
    then its clock jumps to the right time while it runs."""

    name = "clock"
    targets = SERVICES

    def draw(self, random: Random) -> Drawn:
        target = random.choice(self.targets)
        offset = random.choice([3600.0, 3600.0, -60.0])
        return Drawn(target, offset, random.random())

    def missing(self, bed: Testbed) -> str | None:
        return bed.clocks.missing()

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        if lasts(bed, fault, (self.name,)):
            return
        process = choose(bed, drawn, fault)
        if process is None:
            return
        fault.detail += f", clock {drawn.seconds:+.0f} s"
        bed.clocks.shift(drawn.target, drawn.seconds)
        try:
            processes.send(process, signal.SIGKILL)
            await asyncio.sleep(_WRONG_SECONDS)
        finally:
            bed.clocks.shift(drawn.target, 0)
            await asyncio.sleep(_JUMP_SECONDS)
            bed.clocks.restore(drawn.target)
        end = choose(bed, drawn, fault)
        if end is not None:
            processes.send(end, signal.SIGKILL)

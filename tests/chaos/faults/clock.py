"""A service whose clock is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from random import Random

import httpx

from tests.chaos import processes
from tests.chaos.faults.kind import Drawn, FaultKind, choose, lasts
from tests.chaos.journal import Fault
from tests.chaos.processes import SERVICES
from tests.chaos.testbed import Testbed

_READY_SECONDS = 60.0
_WRONG_SECONDS = 12.0
_JUMP_SECONDS = 5.0


class ClockAhead(FaultKind):
    """A service is killed and comes back with a clock that is ten minutes or an hour ahead, or a
    minute behind; then its clock jumps to the right time while it runs. The object store accepts
    signatures of ten minutes ahead, but not of an hour."""

    name = "clock"
    targets = SERVICES

    def draw(self, random: Random) -> Drawn:
        target = random.choice(self.targets)
        offset = random.choice([600.0, 600.0, 3600.0, -60.0])
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
            await _until_ready(bed, drawn.target)
            await asyncio.sleep(_WRONG_SECONDS)
        finally:
            bed.clocks.shift(drawn.target, 0)
            await asyncio.sleep(_JUMP_SECONDS)
            bed.clocks.restore(drawn.target)
        end = choose(bed, drawn, fault)
        if end is not None:
            processes.send(end, signal.SIGKILL)


async def _until_ready(bed: Testbed, service: str) -> None:
    """Wait until a service has started again; not for ever, since other faults may hit it."""
    url = f"http://127.0.0.1:{bed.ports()[service]}/readyz"
    deadline = time.monotonic() + _READY_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.5)

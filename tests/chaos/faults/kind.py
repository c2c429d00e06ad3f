"""What a kind of fault is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from tests.chaos import processes
from tests.chaos.journal import Fault
from tests.chaos.processes import Process
from tests.chaos.testbed import Testbed


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fault as the random numbers have it, before anything is known about the deployment."""

    target: str
    seconds: float
    """How long it lasts, or how late it comes."""
    position: float
    """Which of several processes it hits, from 0 to 1 in the order of their ids."""

    def __str__(self) -> str:
        return f"seconds={self.seconds:.2f} position={self.position:.2f}"


class FaultKind:
    """A kind of fault. One instance is in the table, so it keeps no state."""

    name: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]
    shortest: ClassVar[float] = 0.0
    longest: ClassVar[float] = 0.0
    exclusive: ClassVar[bool] = False
    """Whether other faults wait for its end."""

    def draw(self, random: Random) -> Drawn:
        """Choose target, duration and position. It always takes as many random numbers."""
        target = self.targets[random.randrange(len(self.targets))]
        return Drawn(target, random.uniform(self.shortest, self.longest), random.random())

    def missing(self, bed: Testbed) -> str | None:
        """Why this machine cannot have this fault; None if it can."""
        return None

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        """Do it, undo it, and write into `fault` what was hit."""
        raise NotImplementedError


def lasts(bed: Testbed, fault: Fault, kinds: Collection[str]) -> bool:
    """Whether an earlier fault of these kinds still holds the same target; then the new one is
    left out, because the end of the earlier would end it."""
    found = any(
        other is not fault and other.hit and other.ended is None
        for other in bed.journal.faults
        if other.kind in kinds and other.target == fault.target
    )
    if found:
        fault.detail = f"an earlier fault still holds {fault.target}"
    return found


def choose(bed: Testbed, drawn: Drawn, fault: Fault) -> Process | None:
    """The process that a fault hits, and notes about it; None when there is none."""
    everything = processes.of_deployment(bed.data)
    found = [process for process in everything if process.role == drawn.target]
    if not found:
        fault.detail = f"no {drawn.target} runs"
        return None
    process = found[min(int(drawn.position * len(found)), len(found) - 1)]
    note(fault, everything, process)
    return process


def note(fault: Fault, everything: list[Process], process: Process) -> None:
    """Write down which process is hit, and whose launch it runs."""
    own = {process.launch} if process.launch else set()
    if process.role == "launcher":
        own |= {p.launch for p in everything if p.parent == process.pid and p.launch}
    fault.hit = True
    fault.pids += (process.pid,)
    fault.launches += tuple(sorted(own))
    fault.detail = f"{process.role} {', '.join(map(str, fault.pids))}"

"""All kinds of faults, how often each is drawn, and the sequence that a seed gives."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random

from tests.chaos.faults.clock import ClockAhead
from tests.chaos.faults.disk import BusLost, DiskFull
from tests.chaos.faults.kind import Drawn, FaultKind
from tests.chaos.faults.network import HalfOpen, Unreachable
from tests.chaos.faults.restarts import Restart, RestartRepeatedly, SeveralUps, UpDuringDown
from tests.chaos.faults.shortage import FewDescriptors, LittleMemory
from tests.chaos.faults.signals import (
    Kill,
    KillAtStart,
    KillSupervisor,
    Stop,
    StopServer,
    Terminate,
    TerminateSupervisor,
)

KILLS, EVERYTHING = "kills", "everything"
"""The modes of rounds."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind, and its weights in the two modes."""

    kind: FaultKind
    kills: int
    everything: int


TABLE = (
    Row(Kill(), 20, 20),
    Row(KillAtStart(), 4, 4),
    Row(KillSupervisor(), 1, 1),
    Row(Terminate(), 0, 12),
    Row(TerminateSupervisor(), 0, 1),
    Row(Stop(), 0, 14),
    Row(StopServer(), 0, 1),
    Row(Restart(), 0, 1),
    Row(RestartRepeatedly(), 0, 1),
    Row(UpDuringDown(), 0, 1),
    Row(SeveralUps(), 0, 1),
    Row(DiskFull(), 0, 2),
    Row(BusLost(), 0, 1),
    Row(HalfOpen(), 0, 2),
    Row(Unreachable(), 0, 1),
    Row(LittleMemory(), 0, 2),
    Row(FewDescriptors(), 0, 2),
    Row(ClockAhead(), 0, 1),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """The next fault: after which pause, of which kind, and what was drawn for it."""

    pause: float
    kind: FaultKind
    drawn: Drawn


def sequence(
    random: Random,
    mode: str,
    pace: float,
    only: Collection[str] = (),
    targets: Collection[str] = (),
) -> Iterator[Planned]:
    """The faults of a round, without an end. It depends on the random numbers alone, not on what
    the deployment does. `pace`: the mean pause in seconds. `only`, `targets`: leave out others."""
    rows = [row for row in TABLE if not only or row.kind.name in only]
    if only:
        weights = [max(row.kills, row.everything) for row in rows]
    else:
        weights = [row.kills if mode == KILLS else row.everything for row in rows]
    while True:
        pause = min(random.expovariate(1 / pace), 4 * pace)
        kind = random.choices(rows, weights)[0].kind
        drawn = kind.draw(random)
        if not targets or drawn.target in targets:
            yield Planned(pause, kind, drawn)

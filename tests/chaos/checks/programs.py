"""Programs end only when something ends them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation
from tests.chaos.processes import SERVERS

_TOGETHER_SECONDS = 3.0
_AFTER = {"disk-full": 60.0, "terminate": 40.0}
"""For how many seconds after its end a fault counts: a server whose write error stays is started
again when it has failed for a while, and a service that is to end may wait for its servers."""


def programs_stay(seen: Observation) -> Iterator[Violation]:
    """A program ends only when a fault ends it."""
    whole = [at for at, program, _ in seen.exits if program == "supervisor"]
    for at, program, status in seen.exits:
        if program != "supervisor" and any(abs(at - other) < _TOGETHER_SECONDS for other in whole):
            continue  # its supervisor ended it
        near = [
            f
            for f in seen.faults()
            if f.began - 1 <= at and (f.ended is None or at <= f.ended + _AFTER.get(f.kind, 10))
        ]
        if not any(_may_end(f.kind, f.target, program) for f in near):
            yield Violation(
                "programs-stay",
                f"{program} ended by itself with status {status}",
                f"{program} {at:.1f}",
                at,
                [f"{f.number} {f.kind} {f.target}" for f in near],
            )


def _may_end(kind: str, target: str, program: str) -> bool:
    whole = ("restart", "restart-repeatedly", "up-during-down", "several-ups",
             "kill-supervisor", "terminate-supervisor")  # fmt: skip
    if kind in whole:
        return True
    if kind == "kill-at-start":
        return program == "executor"
    if kind == "bus-lost":
        return program == "nats"
    if kind == "disk-full":
        return program in SERVERS  # one that stays unhealthy is started again
    if target == "postgres-backend":  # Postgres is restarted when a frozen one stays
        return program == "postgres" and kind in ("stop", "stop-long")
    return target == program

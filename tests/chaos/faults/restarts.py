"""Orderly restarts, as a user does them."""

from __future__ import annotations

import asyncio
import time

from tests.chaos.faults.kind import Drawn, FaultKind
from tests.chaos.journal import Fault, Violation
from tests.chaos.testbed import Testbed

_EXCUSES = frozenset({"stop", "stop-long", "unreachable", "half-open", "disk-full"})
"""While one of these lasts, a deployment need not become ready."""
_UP_ATTEMPTS = 5


async def up(bed: Testbed, fault: Fault) -> None:
    """``headrace up``. When it returns 0, the deployment is ready; when not, it is a violation, and
    a user tries again."""
    for _ in range(_UP_ATTEMPTS):
        if await _up_once(bed, fault):
            return
        await asyncio.sleep(2)


async def _up_once(bed: Testbed, fault: Fault) -> bool:
    began = time.time()
    status, output = await bed.command("up")
    if status != 0:
        _complain(bed, fault, began, f"exit status {status}: {output[-1500:]}")
        return False
    response = await bed.request("GET", "/api/v1/info", patience=10)
    if response is None or response.status_code != 200:
        answer = "no answer" if response is None else f"status {response.status_code}"
        said = (await bed.status()).get("state")
        _complain(
            bed,
            fault,
            began,
            f"exit status 0 ({output.splitlines()[0][:80]!r}), but GET /info has {answer} and "
            f"status says {said!r}",
        )
        return False
    return True


def _complain(bed: Testbed, fault: Fault, began: float, message: str) -> None:
    others = {f.kind for f in bed.journal.faults if f is not fault and f.active_at(began, 1)}
    if others & _EXCUSES:
        return
    bed.journal.violate(
        Violation(
            "up-starts",
            f"headrace up after {fault.kind}: {message}",
            f"fault {fault.number}",
            began,
        )
    )


async def down(bed: Testbed, fault: Fault) -> None:
    """``headrace down``."""
    began = time.time()
    status, output = await bed.command("down")
    if status != 0:
        bed.journal.violate(
            Violation(
                "down-stops",
                f"headrace down: exit status {status}: {output[-1500:]}",
                f"fault {fault.number}",
                began,
            )
        )


class Restart(FaultKind):
    """``down``, then ``up``."""

    name = "restart"
    targets = ("deployment",)
    longest = 2.0
    exclusive = True

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        fault.hit = True
        await down(bed, fault)
        await asyncio.sleep(drawn.seconds)
        await up(bed, fault)


class RestartRepeatedly(FaultKind):
    """``down`` and ``up``, five times in a row: longer steps are interrupted each time."""

    name = "restart-repeatedly"
    targets = ("deployment",)
    shortest = 2.0
    longest = 5.0
    exclusive = True

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        fault.hit = True
        for _ in range(5):
            await down(bed, fault)
            await up(bed, fault)
            await asyncio.sleep(drawn.seconds)


class UpDuringDown(FaultKind):
    """``up`` while ``down`` is at work. When it returns, the deployment is ready."""

    name = "up-during-down"
    targets = ("deployment",)
    longest = 2.5
    exclusive = True

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        fault.hit = True
        stopping = asyncio.create_task(down(bed, fault))
        await asyncio.sleep(drawn.seconds)
        await up(bed, fault)
        await stopping


class SeveralUps(FaultKind):
    """Three ``up`` at once on a stopped deployment. All of them succeed."""

    name = "several-ups"
    targets = ("deployment",)
    exclusive = True

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        fault.hit = True
        await down(bed, fault)
        await asyncio.gather(*(_up_once(bed, fault) for _ in range(3)))
        await up(bed, fault)

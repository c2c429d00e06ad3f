"""Signals to one process."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from typing import ClassVar

from tests.chaos import processes
from tests.chaos.faults.kind import Drawn, FaultKind, choose, lasts, note
from tests.chaos.faults.restarts import up
from tests.chaos.journal import Fault
from tests.chaos.processes import INNER, SERVERS, SERVICES
from tests.chaos.testbed import Testbed

_STEP_STARTS_SECONDS = 20.0
_STOPS = ("stop", "stop-long")


class _Signal(FaultKind):
    targets = (*SERVICES, *SERVERS, *INNER)
    number: ClassVar[signal.Signals]

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        """Send the signal."""
        process = choose(bed, drawn, fault)
        if process is not None:
            processes.send(process, self.number)


class Kill(_Signal):
    """SIGKILL."""

    name = "kill"
    number = signal.SIGKILL


class Terminate(_Signal):
    """SIGTERM."""

    name = "terminate"
    number = signal.SIGTERM


class _EndSupervisor(FaultKind):
    """The supervisor ends, and a user starts the deployment again some time later."""

    targets = ("supervisor",)
    longest = 2.0
    exclusive = True
    number: ClassVar[signal.Signals]

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        process = choose(bed, drawn, fault)
        if process is not None:
            processes.send(process, self.number)
            await asyncio.sleep(drawn.seconds)
        await up(bed, fault)


class KillSupervisor(_EndSupervisor):
    """SIGKILL to the supervisor, then ``headrace up``."""

    name = "kill-supervisor"
    number = signal.SIGKILL


class TerminateSupervisor(_EndSupervisor):
    """SIGTERM to the supervisor, then ``headrace up``."""

    name = "terminate-supervisor"
    number = signal.SIGTERM


class Stop(FaultKind):
    """SIGSTOP, and SIGCONT some seconds later."""

    name = "stop"
    targets = ("supervisor", *SERVICES, *SERVERS, *INNER)
    shortest = 1.0
    longest = 20.0

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        if lasts(bed, fault, _STOPS):
            return
        process = choose(bed, drawn, fault)
        if process is None:
            return
        processes.send(process, signal.SIGSTOP)
        try:
            await asyncio.sleep(drawn.seconds)
        finally:
            processes.send(process, signal.SIGCONT)


class StopServer(Stop):
    """A server that does not answer for a minute."""

    name = "stop-long"
    targets = ("s3", "nats", "postgres", "executor", "recorder")
    shortest = 40.0
    longest = 70.0


class KillAtStart(FaultKind):
    """Executor and launcher die within a third of a second of a step's start."""

    name = "kill-at-start"
    targets = ("executor",)
    longest = 0.3

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        """Wait for the next start of a step; kill both, in the order that `position` says."""
        started = await _next_start(bed)
        if started is None:
            fault.detail = "no step started"
            return
        await asyncio.sleep(drawn.seconds)
        everything = processes.of_deployment(bed.data)
        victims = [
            process
            for process in everything
            if process.role == "executor" or process.pid == started["launcher"]
        ]
        for process in victims if drawn.position < 0.5 else reversed(victims):
            note(fault, everything, process)
            processes.send(process, signal.SIGKILL)


async def _next_start(bed: Testbed) -> dict[str, str] | None:
    """The record of the next step that starts."""
    with (bed.effects / "starts").open() as file:
        file.seek(0, 2)
        deadline = time.monotonic() + _STEP_STARTS_SECONDS
        while time.monotonic() < deadline:
            if line := file.readline():
                return dict(json.loads(line))
            await asyncio.sleep(0.005)
    return None

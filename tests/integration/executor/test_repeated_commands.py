"""A launch command that is repeated, at each moment of its attempt: it is executed once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from headrace_contracts.launches import LaunchFile, ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_executor.backends.port import Handle, ReportWaiting, Vanished
from headrace_executor.core.execution import Execution
from headrace_executor.handlers import Handlers
from headrace_runtime.pg.database import Database

from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.executors import View, executing, received, sleeping, until

MOMENTS = (
    "waits for room",
    "is prepared",
    "is about to start",
    "has started",
    "runs",
    "has ended",
    "is about to be committed",
    "is committed",
    "is about to be cleaned",
    "is cleaned",
)


class Moments:
    """Stops an attempt at one moment, until it is told to go on."""

    def __init__(self, stop_at: str) -> None:
        assert stop_at in MOMENTS
        self._stop_at = stop_at
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def at(self, moment: str) -> None:
        if moment == self._stop_at:
            self.reached.set()
            await self.go_on.wait()


class SteppedBackend(MemoryBackend):
    """Launches that only their own executor sees, and that stop at a moment."""

    is_shared = False

    def __init__(self, cluster: MemoryCluster, moments: Moments) -> None:
        super().__init__(cluster, "one")
        self._moments = moments

    def reserve(self, command: LaunchAttempt, *, is_running: bool) -> bool:
        moments = self._moments
        if moments._stop_at == "waits for room" and not moments.go_on.is_set():
            moments.reached.set()
            return False
        return super().reserve(command, is_running=is_running)

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        await self._moments.at("is prepared")
        return await super().prepare(execution, report_waiting)

    async def start(self, execution: Execution, plan: LaunchFile) -> Handle:
        await self._moments.at("is about to start")
        handle = await super().start(execution, plan)
        await self._moments.at("has started")
        return handle

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        await self._moments.at("runs")
        found = await super().wait(execution, handle)
        await self._moments.at("has ended")
        return found

    async def clean(self, execution: Execution) -> None:
        await self._moments.at("is about to be cleaned")
        await super().clean(execution)
        await self._moments.at("is cleaned")


@pytest.mark.parametrize("is_redelivered", [True, False], ids=["redelivery", "question"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_repeated_command_starts_nothing(
    database: Database,
    cluster: MemoryCluster,
    view: View,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    is_redelivered: bool,
) -> None:
    moments = Moments(moment)
    backend = SteppedBackend(cluster, moments)
    transact = database.transact

    async def stepped(work: Any) -> Any:
        is_end = "_end" in getattr(work, "__qualname__", "")
        if is_end:
            await moments.at("is about to be committed")
        result = await transact(work)
        if is_end:
            await moments.at("is committed")
        return result

    monkeypatch.setattr(database, "transact", stepped)
    command = sleeping(0, 1)
    first = received(command)
    async with executing(database, backend, lease_seconds=600) as handlers:
        await handlers.handle(first)
        await until(lambda: _is(moments.reached.is_set))
        for _ in range(3):
            await handlers.handle(first if is_redelivered else received(command))
            await _compared(handlers)
        moments.go_on.set()
        for _ in range(10):
            await handlers.handle(first if is_redelivered else received(command))
            await asyncio.sleep(0.01)
        handlers._runner._wake.set()  # there is room again
        await until(lambda: _is(lambda: not handlers._runner._active))
        await handlers.handle(first if is_redelivered else received(command))
        await _compared(handlers)
        await until(lambda: _is(lambda: not handlers._runner._active))
    assert len(cluster.started) == 1
    assert set(await view.ends()) == {(1, "attempt.succeeded")}
    assert (await view.launches())[1]["execution"] == 1


async def _compared(handlers: Handlers) -> None:
    """Wait until the launches were compared with the database once more."""
    lease = handlers._runner._lease
    handlers._runner.request_comparison()
    await until(lambda: _is(lambda: lease._requests == lease._answered_requests))


async def _is(holds: Any) -> Any:
    return holds()

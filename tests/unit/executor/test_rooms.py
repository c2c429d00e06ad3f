"""When a launch has room for its command, and what it tells while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headrace_contracts.launches import Progress
from headrace_executor.backends.port import Handle, ReportProgress
from headrace_executor.core.execution import Execution
from headrace_runtime.errors import RetryableError
from headrace_runtime.loops import RETRY_SECONDS

from tests.unit.executor.test_runner import OneSlotBackend, running_on


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # it is a list
            await asyncio.sleep(0.001)


class TransferringBackend(OneSlotBackend):
    """Its commands end at once, and their outputs are uploaded until it is let go."""

    async def follow(self, execution: Execution, handle: Handle, report: ReportProgress) -> None:
        await report(Progress(command_ended=True))
        await report(Progress(command_ended=True, waiting="waiting for the object store"))
        await self.go.wait()


async def test_a_launch_that_only_transfers_holds_no_room_and_tells_what_it_waits_for() -> None:
    async with running_on(TransferringBackend()) as running:
        for number in (1, 2, 3):
            running.add(number)
        await until(lambda: len(running.database.of("attempt.waiting")) == 3)
        assert running.backend.launched == [1, 2, 3]
        assert not running.database.of("attempt.succeeded")
        (first, *_) = running.database.of("attempt.waiting")
        assert first.message == "waiting for the object store"
        running.backend.go.set()
        assert len(await running.database.ends(3)) == 3


async def test_transfers_are_bounded() -> None:
    async with running_on(TransferringBackend(), most_transfers=2) as running:
        for number in (1, 2, 3):
            running.add(number)
        await until(lambda: len(running.backend.launched) == 2)
        await asyncio.sleep(0.05)
        assert running.backend.launched == [1, 2]
        running.backend.go.set()
        await running.database.ends(3)
        assert running.backend.launched == [1, 2, 3]


async def test_the_clean_up_holds_no_room() -> None:
    class SlowlyCleanedBackend(OneSlotBackend):
        async def clean(self, execution: Execution) -> None:
            await asyncio.Event().wait()

    async with running_on(SlowlyCleanedBackend()) as running:
        running.backend.go.set()
        running.add(1)
        running.add(2)
        assert len(await running.database.ends(2)) == 2


async def test_what_a_launch_waits_for_before_it_starts_is_reported_once() -> None:
    backend = OneSlotBackend()
    backend.fault = RetryableError("object store: refused")
    async with running_on(backend) as running:
        launch = running.add(1)
        await until(lambda: running.database.of("attempt.preparing") != [])
        await asyncio.sleep(2 * RETRY_SECONDS)
        (waits,) = running.database.of("attempt.preparing")
        assert waits.message.startswith("waiting since ")
        assert waits.message.endswith("object store: refused")
        running.runner.cancel(launch.identity)
        await running.database.ends(1)

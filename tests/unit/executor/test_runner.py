"""Launches from their arrival to their end, on a backend and a database that are made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.launches import LaunchFile, ResultManifest
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.commands import CleanRun, LaunchAttempt
from headrace_contracts.messages.events import AttemptFailed, AttemptSucceeded
from headrace_executor import store
from headrace_executor.backends.port import (
    CannotLaunchError,
    Handle,
    OpenAmong,
    ReportProgress,
    ReportWaiting,
    Vanished,
)
from headrace_executor.core.execution import Execution
from headrace_executor.handlers import Handlers
from headrace_executor.runner import Runner
from headrace_executor.store import Launch
from headrace_runtime import loops
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RetryableError

from tests.support.launches import RUN_ID, launch_command
from tests.support.waiting import until_async


def attributes() -> Attributes:
    """Those of some message."""
    return Attributes(id="1", source="/headrace/scheduler", type="run.clean")


class Connection:
    """Every statement finds what it looks for."""

    async def fetchrow(self, *_: Any) -> dict[str, Any]:
        return {}

    async def fetch(self, *_: Any) -> list[Any]:
        return []

    async def execute(self, *_: Any) -> None:
        return


class Database:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.connection = Connection()
        self.published: list[Any] = []

    def publish(self, message: Any, *_: Any) -> None:
        self.published.append(message)

    async def admit(self, _: str, ids: list[UUID]) -> set[UUID]:
        return set(ids)

    async def transact(self, work: Any) -> Any:
        return await work(self)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        yield self.connection

    def of(self, kind: str) -> list[Any]:
        """The published events of a type."""
        return [event for event in self.published if event.type == kind]

    async def ends(self, count: int) -> list[Any]:
        """The first `count` ends of attempts."""
        async with asyncio.timeout(60):
            while True:
                found = [e for e in self.published if e.type in _ENDS]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.001)


_ENDS = {"attempt.succeeded", "attempt.failed"}


class OneSlotBackend:
    """One attempt at a time, which runs until it is let go."""

    owner = "test"
    is_shared = False

    def __init__(self) -> None:
        self.launched: list[int] = []
        self.cleaned: list[UUID] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None
        self._is_taken = False

    def reserve(self, command: LaunchAttempt, *, is_running: bool) -> bool:
        is_free, self._is_taken = not self._is_taken, True
        return is_free

    def release(self, command: LaunchAttempt) -> None:
        self._is_taken = False

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        if self.fault is not None:
            raise self.fault
        return LaunchFile.model_construct()

    async def start(self, execution: Execution, plan: LaunchFile) -> Handle:
        self.launched.append(execution.command.task_id.int)
        return {"number": execution.command.task_id.int}

    async def find(self, execution: Execution, handle: Handle | None) -> Handle | None:
        return None

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        await self.go.wait()
        at = execution.command.run_created_at
        return ResultManifest(launch_id="l", state="SUCCEEDED", finished_at=at)

    async def follow(self, execution: Execution, handle: Handle, report: ReportProgress) -> None:
        self.report = report

    async def stop(self, execution: Execution, handle: Handle) -> None:
        self.go.set()

    def describe(self, handle: Handle) -> str | None:
        return "here"

    async def clean(self, execution: Execution) -> None:
        return

    async def clean_run(self, run_id: UUID) -> None:
        self.cleaned.append(run_id)

    async def sweep(self, open_among: OpenAmong) -> int:
        return 0


class Running:
    """A runner with one slot, and what it stands on."""

    def __init__(self, backend: OneSlotBackend | None = None, most_transfers: int = 32) -> None:
        self.database = Database()
        self.backend = backend or OneSlotBackend()
        database: Any = self.database
        self.runner = Runner(database, self.backend, 20, most_transfers)

    def add(self, number: int, priority: int = 0) -> Launch:
        command = launch_command(task_id=UUID(int=number), priority=priority)
        launch = Launch(command)
        self.runner.enqueue(launch)
        return launch


@asynccontextmanager
async def running_on(
    backend: OneSlotBackend | None = None, most_transfers: int = 32
) -> AsyncIterator[Running]:
    """A runner that runs."""
    made = Running(backend, most_transfers)
    task = asyncio.ensure_future(made.runner.run())
    await made.runner.until_adopted()
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_on() as made:
        yield made


async def test_launches_get_a_slot_by_priority(running: Running) -> None:
    running.backend.go.set()
    for number, priority in ((1, 0), (2, 5), (3, 5)):
        running.add(number, priority)
    running.add(2, 5)  # it is known
    ends = await running.database.ends(3)
    assert all(isinstance(end, AttemptSucceeded) for end in ends)
    assert running.backend.launched == [2, 3, 1]


async def test_a_waiting_launch_is_canceled_while_the_slot_is_taken(running: Running) -> None:
    running.add(1)
    waiting = running.add(2)
    await asyncio.sleep(0.01)
    running.runner.cancel(waiting.identity)
    running.runner.cancel((RUN_ID, UUID(int=99), 1))  # unknown
    (end,) = await running.database.ends(1)
    assert isinstance(end, AttemptFailed)
    assert (end.task_id.int, end.failure.code) == (2, FailureCode.CANCELED)
    assert running.backend.launched == [1]
    running.backend.go.set()
    assert len(await running.database.ends(2)) == 2


@pytest.mark.parametrize(
    ("fault", "code", "expected"),
    [
        (OSError(28, "No space left"), FailureCode.LAUNCHER_ERROR, "No space left"),
        (
            CannotLaunchError(Failure(code=FailureCode.INPUT_INVALID, message="no secret")),
            FailureCode.INPUT_INVALID,
            "no secret",
        ),
    ],
)
async def test_an_attempt_that_cannot_start_fails_and_frees_its_slot(
    running: Running, fault: Exception, code: FailureCode, expected: str
) -> None:
    running.backend.fault = fault
    running.add(1)
    (end,) = await running.database.ends(1)
    assert isinstance(end, AttemptFailed)
    assert end.failure.code == code
    assert expected in end.failure.message
    running.backend.fault = None
    running.backend.go.set()
    running.add(2)
    assert len(await running.database.ends(2)) == 2


async def test_a_run_can_be_cleaned_repeatedly(running: Running) -> None:
    handlers = Handlers(running.database, running.runner, "local")  # type: ignore[arg-type]
    clean = CleanRun(cluster="local", run_id=RUN_ID)
    received: Received[Any] = Received(attributes(), clean)
    await handlers.handle([received])
    await handlers.handle([received])
    assert running.backend.cleaned == [RUN_ID, RUN_ID]


class StrictBackend(OneSlotBackend):
    """One that takes the port at its word: one call for a launch at a time, but for `stop`. Calls
    that are named in `faults` fail as they were never expected to."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: set[str] = set()
        self.stopped = 0
        self.cleaned_attempts: list[int] = []
        self.slow_stop = asyncio.Event()
        self.slow_stop.set()
        self._waiting: set[int] = set()

    async def find(self, execution: Execution, handle: Handle | None) -> Handle | None:
        self._fail("find", execution)
        return handle

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        self._fail("wait", execution)
        number = execution.command.task_id.int
        if number in self._waiting:
            raise RuntimeError("wait() called while another call is already waiting")
        self._waiting.add(number)
        try:
            return await super().wait(execution, handle)
        finally:
            self._waiting.discard(number)

    async def stop(self, execution: Execution, handle: Handle) -> None:
        self.stopped += 1
        if self.stopped == 1:
            self._fail("stop", execution)
        await self.slow_stop.wait()
        await super().stop(execution, handle)

    def describe(self, handle: Handle) -> str | None:
        if "describe" in self.faults and handle["number"] == 1:
            raise RuntimeError("describe")
        return "here"

    async def clean(self, execution: Execution) -> None:
        self._fail("clean", execution)
        self.cleaned_attempts.append(execution.command.task_id.int)

    def _fail(self, name: str, execution: Execution) -> None:
        if name in self.faults and execution.command.task_id.int == 1:
            raise RuntimeError(name)


@pytest.fixture
async def strict() -> AsyncIterator[Running]:
    made = Running(StrictBackend())
    task = asyncio.ensure_future(made.runner.run())
    await made.runner.until_adopted()
    yield made
    assert not task.done(), "the executor goes on"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("fault", ["find", "wait", "stop", "describe", "clean"])
async def test_an_unexpected_fault_of_a_backend_concerns_one_launch(
    strict: Running, fault: str
) -> None:
    backend = strict.backend
    assert isinstance(backend, StrictBackend)
    backend.faults = {fault}
    command = launch_command(task_id=UUID(int=1))
    strict.runner.enqueue(Launch(command, state="RUNNING", handle={"number": 1}, is_inherited=True))
    if fault in ("stop", "find"):
        await asyncio.sleep(0.01)
        strict.runner.cancel(Launch(command).identity)
    else:
        backend.go.set()
    assert [end.task_id.int for end in await strict.database.ends(1)] == [1]
    backend.go.set()
    strict.add(2)
    assert [end.task_id.int for end in await strict.database.ends(2)] == [1, 2]


async def test_a_launch_that_is_lost_while_its_start_is_reported_is_stopped(
    strict: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wait has begun, and the backend takes one at a time."""
    backend = strict.backend
    assert isinstance(backend, StrictBackend)
    is_reporting = asyncio.Event()

    async def report(*_: Any) -> bool:
        is_reporting.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(store, "set_running", report)
    strict.add(1)
    await is_reporting.wait()
    strict.runner.request_comparison()  # which finds nothing that this executor owns
    async with asyncio.timeout(10):
        while backend.cleaned_attempts != [1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert backend.stopped == 1
    assert strict.database.published == []


async def test_further_comparisons_do_not_interrupt_the_end_of_a_lost_launch(
    strict: Running,
) -> None:
    backend = strict.backend
    assert isinstance(backend, StrictBackend)
    backend.slow_stop.clear()
    strict.add(1)
    for _ in range(3):
        await asyncio.sleep(0.05)
        strict.runner.request_comparison()
    await asyncio.sleep(0.05)
    backend.slow_stop.set()
    async with asyncio.timeout(10):
        while backend.cleaned_attempts != [1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert backend.stopped == 1


async def test_an_unavailable_database_ends_neither_the_executor_nor_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = StrictBackend()
    made = Running(backend)
    tries = 0

    async def full_at_first(*_: Any) -> bool:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise RetryableError("Postgres is unavailable", "DiskFullError: no space left")
        return True

    monkeypatch.setattr(loops, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(store, "set_running", full_at_first)
    task = asyncio.ensure_future(made.runner.run())
    await made.runner.until_adopted()
    made.add(1)
    await until_async(lambda: tries > 3)
    assert not task.done()
    assert backend.stopped == 0
    task.cancel()


async def test_what_cannot_be_given_up_is_tried_with_the_renewals_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = StrictBackend()
    backend.faults = {"find"}
    made = Running(backend)
    taken = Launch(launch_command(task_id=UUID(int=1)), is_inherited=True, is_taken=True)
    renewals = 0

    async def renew(*_: Any) -> store.Renewal:
        nonlocal renewals
        renewals += 1
        return store.Renewal(True, [], [], [taken.identity], False)

    async def launches(*_: Any) -> list[Launch]:
        return [taken]

    monkeypatch.setattr(store, "renew_lease", renew)
    monkeypatch.setattr(store, "taken_launches", launches)
    monkeypatch.setattr(made.runner._lease, "renew_seconds", 0.1)
    task = asyncio.ensure_future(made.runner.run())
    await asyncio.sleep(0.5)
    assert 1 <= renewals <= 5
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert made.database.published == []

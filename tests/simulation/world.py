"""The servers, machines and services of one simulation, and what they replace for the services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import headrace_executor.app
import headrace_scheduler.app
from headrace_contracts.ids import derived_event_id
from headrace_contracts.messages.events import RunSubmitted
from headrace_executor.settings import Settings as ExecutorSettings
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.service import open_service
from headrace_scheduler.settings import Settings as SchedulerSettings
from starlette.applications import Starlette

from tests.simulation.clock import now
from tests.simulation.host import Execution, Host
from tests.simulation.loop import PROCESS, Process, SimulatedLoop
from tests.simulation.trace import Line, Trace
from tests.support.memory import queries_executor, queries_runtime, queries_scheduler
from tests.support.memory.client import MemoryClient, MemoryNats
from tests.support.memory.connection import MemoryPool, MemoryPostgres
from tests.support.memory.objects import MemoryBucket, MemoryObjects
from tests.support.memory.wire import Wire, later

PACKAGES = ("headrace_runtime.pg", "headrace_executor", "headrace_scheduler")
assert queries_executor, queries_runtime  # they register their queries
assert queries_scheduler
_SERVERS = {
    "nats_url": "nats://memory",
    "http_port": 1,
    "postgres_dsn": "postgresql://memory",
    "objects_endpoint": "memory",
    "objects_access_key": "memory",
    "objects_secret_key": "memory",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken; `about` are the words by which the trace is searched."""

    promise: str
    details: str
    about: tuple[str, ...] = ()


@dataclass(slots=True)
class Knobs:
    """What differs between simulations, besides the faults."""

    window: int = 1
    executors: int = 2
    schedulers: int = 1
    runs: int = 4
    slots: int = 2
    lease_seconds: float = 5.0
    silence_seconds: float = 30.0


@dataclass(slots=True)
class Service:
    """A service that is started again whenever it ends."""

    name: str
    host: Host
    main: Callable[[], Coroutine[Any, Any, None]]
    process: Process | None = None
    starts: int = 0
    is_held: bool = False
    """It is not started again for the present."""


class World:
    """Everything in a simulation."""

    def __init__(
        self,
        loop: SimulatedLoop,
        knobs: Knobs,
        folder: Path,
        wires: Callable[[str], Wire],
        restart_seconds: Callable[[], float],
    ) -> None:
        self.loop = loop
        self.knobs = knobs
        self.trace = Trace()
        self.violations: list[Violation] = []
        self.executions: list[Execution] = []
        self.submissions: dict[UUID, RunSubmitted] = {}
        self.accepted: dict[UUID, float] = {}
        self.postgres = MemoryPostgres(PACKAGES, now, wires("postgres"))
        self.nats = MemoryNats(loop.time, now, wires("nats"))
        self.bucket = MemoryBucket(wires("objects"))
        self.services: list[Service] = []
        self.ambushes: dict[str, Callable[[Host], None]] = {}
        """Faults that wait for a moment, by its name."""
        self.hosts: list[Host] = []
        self._folder = str(folder)
        self._restart_seconds = restart_seconds
        self._is_over = False
        loop.report = self._report
        for index in range(knobs.executors):
            host = self._host(f"host{index + 1}", folder)
            self._add(f"executor{index + 1}", host, self._executor(host))
        control = self._host("control", folder)
        for index in range(knobs.schedulers):
            self._add(f"scheduler{index + 1}", control, self._scheduler())
        self._add("api", control, partial(_submit, self))

    # -- services ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start every service."""
        for service in self.services:
            self._start(service)

    def stop(self) -> None:
        """End every service, for good."""
        self._is_over = True
        for service in self.services:
            if service.process is not None:
                service.process.kill()
        for host in self.hosts:
            host.kill_all()

    def release(self, service: Service) -> None:
        """Start a service that was held."""
        service.is_held = False
        self._start(service)

    def _host(self, name: str, folder: Path) -> Host:
        host = Host(name, folder / name, self.loop, self, self.bucket)
        host.world = self  # type: ignore[attr-defined]
        self.hosts.append(host)
        return host

    def _add(self, name: str, host: Host, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.services.append(Service(name, host, main))

    def _start(self, service: Service) -> None:
        is_running = service.process is not None and not service.process.is_dead
        if self._is_over or service.is_held or is_running:
            return
        service.starts += 1
        process = Process(f"{service.name}.{service.starts}", self.loop, service.host)
        service.process = process
        self.note(process.name, "starts")

        def restart() -> None:
            self.note(process.name, "has ended")
            later(self._restart_seconds(), self._start, service)

        process.when_ended = restart
        process.start(service.main())

    def _executor(self, host: Host) -> Callable[[], Coroutine[Any, Any, None]]:
        settings = ExecutorSettings(
            **_SERVERS,
            work_dir=host.folder / "steps",
            environments_dir=host.folder / "environments",
            data_dir=host.folder,
            slots=self.knobs.slots,
            lease_seconds=self.knobs.lease_seconds,
        )
        host.folder.mkdir(parents=True, exist_ok=True)
        return partial(headrace_executor.app.serve, settings)

    def _scheduler(self) -> Callable[[], Coroutine[Any, Any, None]]:
        settings = SchedulerSettings(
            **_SERVERS,
            tick_every_seconds=1.0,
            reconcile_every_seconds=min(5.0, self.knobs.silence_seconds / 2),
            silence_seconds=self.knobs.silence_seconds,
            lookup_seconds=10.0,
        )
        return partial(headrace_scheduler.app.serve, settings)

    # -- what happens --------------------------------------------------------------------------

    def note(self, who: str, what: str, *, is_fault: bool = False) -> None:
        """Something happened."""
        what = what.replace(self._folder, "")  # another one each time
        self.trace.lines.append(Line(self.loop.time(), who, what, is_fault))

    def violate(self, promise: str, details: str, *about: str) -> None:
        """A promise was broken."""
        self.note("VIOLATION", f"{promise}: {details}")
        self.violations.append(Violation(promise, details, about))

    def moment(self, name: str, host: Host) -> None:
        """A moment at which a fault is worst."""
        come = self.ambushes.pop(name, None)
        if come is not None:
            come(host)

    def next_execution(self) -> int:
        """The number of the next execution."""
        return len(self.executions) + 1

    def execution_started(self, execution: Execution, inputs: dict[str, str]) -> None:
        """A command has started."""
        self.note(execution.command.process.name, f"{execution} starts")
        same = (execution.task_id, execution.attempt)
        for other in self.executions:
            if (other.task_id, other.attempt) != same:
                continue
            if other.has_result:
                self.violate(
                    "an attempt that has a result is not run again",
                    f"{execution} starts although {other} has left its result",
                    str(execution.task_id)[:8],
                )
            if other.end is None:
                self.violate(
                    "no two executions of an attempt at a time",
                    f"{execution} starts while {other} runs",
                    str(execution.task_id)[:8],
                )
        for name, value in inputs.items():
            kind, _, task = name.partition("-")
            if kind == "value" and inputs.get(f"blob-{task}", value) != value:
                self.violate(
                    "outputs come from one execution",
                    f"{execution} got the parameter of execution {value} of {task} and the "
                    f"artifact of execution {inputs[f'blob-{task}']}",
                    str(execution.run_id)[-8:],
                )
        self.executions.append(execution)

    def _report(self, process: Process, error: BaseException) -> None:
        self.note(process.name, f"fails: {error!r} {error.__cause__!r}")


async def _submit(world: World) -> None:
    """The api as far as it concerns runs: it stores the submissions and publishes its outbox."""
    settings = SchedulerSettings(**_SERVERS)

    async def submit(database: Database) -> None:
        while True:
            for run_id, event in list(world.submissions.items()):
                if run_id in world.accepted:
                    continue

                async def work(unit: Unit, event: RunSubmitted = event) -> None:
                    unit.publish(event, derived_event_id(event.type, event.run_id))

                try:
                    await database.transact(work)
                except RetryableError:
                    continue
                world.accepted[run_id] = world.loop.time()
                world.note("api", f"run {str(run_id)[-8:]} is accepted")
            await asyncio.sleep(0.5)

    async with open_service("api", settings) as service:
        await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_runtime.pg")
        await service.run(Starlette(), partial(submit, database))


# -- what replaces parts of the runtime ------------------------------------------------------------


def _world() -> World:
    process = PROCESS.get()
    assert process is not None
    world: World = process.host.world
    return world


def make_client() -> MemoryClient:
    """`nats.aio.client.Client`."""
    return MemoryClient(_world().nats)


def open_objects(_: Any) -> MemoryObjects:
    """`ObjectStore`."""
    return MemoryObjects(_world().bucket)


@asynccontextmanager
async def open_database(
    dsn: str, service: str, publisher: Any, *, pool_size: int, **_: Any
) -> AsyncIterator[Database]:
    """`headrace_runtime.pg.database.open_database`."""
    pool: Any = MemoryPool(_world().postgres, service, pool_size)
    database = Database(pool, service, publisher)
    try:
        await database.ping()
        yield database
    finally:
        pool.terminate()


class NoHttpServer:
    """`HttpServer`."""

    should_exit = False

    def __init__(self, *_: Any) -> None:
        return

    async def serve(self) -> None:
        """Do nothing until it is to end."""
        while not self.should_exit:  # noqa: ASYNC110 - an attribute of the interface
            await asyncio.sleep(1)

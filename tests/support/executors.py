"""Executors for tests on real servers: inside the test with any backend, or as processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace_contracts.ids import new_id
from headrace_contracts.messages.cloudevents import Attributes, headers
from headrace_contracts.messages.commands import (
    ATTEMPT_COMMAND,
    AttemptCommand,
    CancelAttempt,
    CleanRun,
    LaunchAttempt,
)
from headrace_contracts.messages.subjects import executor_commands
from headrace_executor.backends.port import Backend
from headrace_executor.handlers import Handlers
from headrace_executor.runner import Runner
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer, Received
from headrace_runtime.pg.database import Database

from tests.support.launches import RUN_ID, launch_command
from tests.support.servers import Servers

PATIENCE_SECONDS = 30.0


class View:
    """What is committed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def launches(self) -> dict[int, Any]:
        """The launches, by their attempt."""
        rows = await self._connection.fetch("SELECT * FROM launch")
        return {row["attempt"]: row for row in rows}

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Rows of any table."""
        return list(await self._connection.fetch(sql, *arguments))

    async def execute(self, sql: str, *arguments: Any) -> None:
        """Change a table behind the executors' back."""
        await self._connection.execute(sql, *arguments)

    async def events(self) -> list[tuple[int, str]]:
        """The events of attempts that are committed to be published: attempt, and failure code or
        type. The bus itself would drop those of a later test, whose attempts have the same ids."""
        rows = await self._connection.fetch("SELECT body FROM outbox ORDER BY id")
        bodies = [json.loads(row["body"]) for row in rows]
        return [
            (body["attempt"], (body.get("failure") or {}).get("code") or body["type"])
            for body in bodies
        ]

    async def ends(self) -> list[tuple[int, str]]:
        """The published ends: attempt, and failure code or ``attempt.succeeded``."""
        others = ("attempt.started", "attempt.preparing")
        return [event for event in await self.events() if event[1] not in others]


async def send(bus: Bus, *commands: AttemptCommand) -> None:
    """Publish commands, as the scheduler does."""
    for command in commands:
        message_id = new_id()
        await bus.js.publish(
            command.subject,
            command.to_json(),
            headers=headers(message_id, "scheduler", command.type, None, datetime.now(UTC)),
        )


def received(*commands: AttemptCommand) -> list[Received[Any]]:
    """Commands as a consumer hands them on."""
    return [
        Received(Attributes(id=str(new_id()), source="/headrace/scheduler", type=c.type), c)
        for c in commands
    ]


@asynccontextmanager
async def executing(
    database: Database,
    backend: Backend,
    bus: Bus | None = None,
    *,
    lease_seconds: float = 2.0,
    is_killed: bool = False,
) -> AsyncIterator[Handlers]:
    """An executor inside the test, which reads `bus` if it is given. It ends like a process that is
    told to stop, or one that `is_killed`."""
    runner = Runner(database, backend, lease_seconds)
    handlers = Handlers(database, runner, "local")
    loops = [asyncio.ensure_future(runner.run())]
    if bus is not None:
        consumer = Consumer(
            bus,
            None,
            executor_commands("local"),
            ATTEMPT_COMMAND,
            handlers.handle,
            service="executor",
        )
        loops.append(asyncio.ensure_future(consumer.run()))
    try:
        await runner.until_adopted()
        yield handlers
    finally:
        if is_killed:
            runner._lease.release = _do_nothing  # type: ignore[method-assign]
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def _do_nothing() -> None:
    return


class ExecutorProcess:
    """``headrace-executor`` with a work folder of its own."""

    def __init__(self, servers: Servers, folder: Path, port: int) -> None:
        prefix = "HEADRACE_EXECUTOR_"
        objects = servers.object_settings("executor")
        settings = {
            "NATS_URL": servers.nats_url("executor"),
            "POSTGRES_DSN": servers.dsn("executor"),
            "OBJECTS_ENDPOINT": objects.objects_endpoint,
            "OBJECTS_ACCESS_KEY": objects.objects_access_key.get_secret_value(),
            "OBJECTS_SECRET_KEY": objects.objects_secret_key.get_secret_value(),
            "OBJECTS_BUCKET": objects.objects_bucket,
            "HTTP_PORT": str(port),
            "WORK_DIR": str(folder / "steps"),
            "ENVIRONMENTS_DIR": str(folder / "environments"),
            "DATA_DIR": str(folder),
            "GRACE_SECONDS": "0.5",
        }
        self.folder = folder
        self._env = {"PATH": os.environ["PATH"]} | {prefix + k: v for k, v in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, lease_seconds: float) -> None:
        """Start it, or start it again."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "executor.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace_executor"],
                env=self._env | {"HEADRACE_EXECUTOR_LEASE_SECONDS": str(lease_seconds)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number: signal.Signals) -> None:
        """Signal it; one that ends by that is awaited."""
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait(30)

    def wait(self, seconds: float) -> int:
        """Its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def owner(self) -> str:
        """The name of its work folder."""
        return (self.folder / "steps" / ".owner").read_text().strip()

    def has_started(self) -> bool:
        """Whether it holds its work folder."""
        path = self.folder / "steps" / ".owner"
        return path.exists() and path.read_text().endswith("\n")

    def attempt_folders(self) -> list[Path]:
        """What attempts have left in it."""
        return list((self.folder / "steps").glob("*/*"))

    def remove(self) -> None:
        """End it, and what it has started."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
        for entry in Path("/proc").iterdir():
            try:
                environ = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
            except OSError:
                continue
            if f"HEADRACE_DATA_DIR={self.folder}".encode() in environ.split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until something holds; returns it."""
    async with asyncio.timeout(seconds):
        while not (found := await holds()):  # noqa: ASYNC110 - it is in a database
            await asyncio.sleep(0.05)
    return found


def sleeping(seconds: float, attempt: int, **changes: Any) -> LaunchAttempt:
    """An attempt that takes this long."""
    container = {"image": "i", "command": ["sleep", str(seconds)]}
    return launch_command(attempt=attempt, container=container, **changes)


def cancellation(command: LaunchAttempt) -> CancelAttempt:
    """Its cancellation."""
    return CancelAttempt(
        cluster="local", run_id=command.run_id, task_id=command.task_id, attempt=command.attempt
    )


def cleaning(run_id: UUID = RUN_ID) -> CleanRun:
    """The cleaning of a run."""
    return CleanRun(cluster="local", run_id=run_id)

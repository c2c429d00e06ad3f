"""The scheduler's handlers on a real Postgres, with an object store and a bus in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from headrace_contracts.ids import new_id
from headrace_contracts.ir.parse import parse_document
from headrace_contracts.messages import events as e
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.events import PipelineIdentity
from headrace_contracts.values import Artifact, ArtifactType, BlobRef, Content, Outputs
from headrace_runtime.bus.consumer import Received
from headrace_runtime.bus.publisher import OutgoingMessage, Published
from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectMissingError
from headrace_runtime.pg.database import Database, open_database
from headrace_scheduler.handlers import Handlers

from tests.support.postgres import postgres
from tests.support.submissions import AT, submitted


class Objects:
    """An object store in memory, which can be slow or unavailable, for some keys or all."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.unavailable: set[str] = set()
        """Parts of the keys that cannot be read."""
        self.slow: set[str] = set()
        """Parts of the keys whose reads wait for `released`."""
        self.released = asyncio.Event()
        self.requested = asyncio.Event()
        """Set when a slow key is requested."""
        self.requests = 0

    def key(self, uri: str) -> str | None:
        return uri.removeprefix("s3://headrace/") if uri.startswith("s3://headrace/") else None

    def uri(self, key: str) -> str:
        return f"s3://headrace/{key}"

    async def get(self, key: str) -> bytes:
        await self._answer(key)
        if key not in self.stored:
            raise ObjectMissingError(key)
        return self.stored[key]

    async def has(self, key: str) -> bool:
        await self._answer(key)
        return key in self.stored

    async def has_any(self, prefix: str) -> bool:
        await self._answer(prefix)
        return any(key.startswith(prefix) for key in self.stored)

    async def _answer(self, key: str) -> None:
        self.requests += 1
        if any(part in key for part in self.slow):
            self.requested.set()
            await self.released.wait()
        if any(part in key for part in self.unavailable):
            raise RetryableError("object store: connection refused")


class Outlet:
    """Takes the messages that the scheduler publishes."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def publish(self, messages: list[OutgoingMessage]) -> list[Published]:
        self.messages += [json.loads(message.body) for message in messages]
        return [message.event_id for message in messages]


@dataclass
class Scheduler:
    """The scheduler's parts; `restart` gives it an empty memory, as after a crash."""

    database: Database
    objects: Objects
    outlet: Outlet
    handlers: Handlers
    namespace: str = field(default_factory=lambda: f"n{uuid4().hex[:12]}")
    """Unique for each test."""
    crashed: list[Handlers] = field(default_factory=list)

    def restart(self) -> None:
        self.crashed.append(self.handlers)
        self.handlers = Handlers(self.database, self.objects, "local")  # type: ignore[arg-type]

    async def send(self, *events: e.Event) -> None:
        """Handle events as one batch."""
        batch = [Received(Attributes(str(uuid4()), "/test", x.type, None), x) for x in events]
        await self.handlers.handle(batch)

    def submission(self, documents: Any, **fields: Any) -> e.RunSubmitted:
        """The `run.submitted` of a run, whose spec is put into the object store."""
        body = parse_document(documents).model_dump_json(by_alias=True).encode()
        digest = sha256(body).hexdigest()
        key = f"specs/{digest}.json"
        self.objects.stored[key] = body
        values = {
            "namespace": self.namespace,
            "pipeline": PipelineIdentity(name="p"),
            "spec": BlobRef(key=key, bytes=len(body), sha256=digest),
            **fields,
        }
        return submitted(new_id(), **values)

    def of(self, run_id: UUID, kind: str) -> list[dict[str, Any]]:
        """The published messages of a type about a run."""
        return [m for m in self.outlet.messages if m["run_id"] == str(run_id) and m["type"] == kind]

    def launches(self, run_id: UUID) -> list[dict[str, Any]]:
        """The launches of a run's attempts."""
        return self.of(run_id, "attempt.launch")

    async def succeed(self, run_id: UUID, *paths: str, stored: bool = True) -> None:
        """Let the launched steps at these paths end, with an artifact of one object each."""
        events = []
        for launch in self.launches(run_id):
            if launch["path"] not in paths:
                continue
            key = f"runs/{self.namespace}/p/{run_id}/{launch['path']}"
            if stored:
                self.objects.stored[key] = b"x"
            made = Artifact(
                name="out",
                uri=self.objects.uri(key),
                type=ArtifactType(schema_title="system.Artifact"),
                content=Content(kind="file", bytes=1, files=1),
                artifact_id=uuid4(),
            )
            events.append(
                e.AttemptSucceeded(
                    run_id=run_id,
                    task_id=UUID(launch["task_id"]),
                    attempt=launch["attempt"],
                    outputs=Outputs(artifacts={"out": (made,)}),
                    started_at=AT,
                    finished_at=AT,
                )
            )
        assert len(events) == len(paths)
        await self.send(*events)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for work in the background."""
        async with asyncio.timeout(10):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.01)

    async def waiting_transactions(self) -> int:
        """How many open transactions have waited for the scheduler for 0.1 s."""
        await asyncio.sleep(0.2)
        async with self.database.read() as connection:
            found: int = await connection.fetchval(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE state = 'idle in transaction' AND state_change < now() - interval '100 ms'
                """
            )
        return found

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        async with self.database.read() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def execute(self, sql: str, *arguments: Any) -> None:
        def work(unit: Any) -> Awaitable[Any]:
            executed: Awaitable[Any] = unit.connection.execute(sql, *arguments)
            return executed

        await self.database.transact(work)


def chain(*names: str, word: str = "x") -> list[dict[str, Any]]:
    """A pipeline of cached steps in a chain, each with the artifact of the one before as input.
    `word` is part of the command, and so of the fingerprints."""
    artifact = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
    components: dict[str, Any] = {}
    executors: dict[str, Any] = {}
    tasks: dict[str, Any] = {}
    previous: Sequence[str] = ()
    for name in names:
        inputs = {"inputDefinitions": {"artifacts": {"in": artifact}}} if previous else {}
        components[f"comp-{name}"] = {
            "executorLabel": name,
            "outputDefinitions": {"artifacts": {"out": artifact}},
            **inputs,
        }
        executors[name] = {"container": {"command": ["echo", name, word]}}
        bound: dict[str, Any] = {}
        for other in previous:
            source = {"producerTask": other, "outputArtifactKey": "out"}
            bound = {"artifacts": {"in": {"taskOutputArtifact": source}}}
        tasks[name] = {
            "componentRef": {"name": f"comp-{name}"},
            "taskInfo": {"name": name},
            "dependentTasks": list(previous),
            "cachingOptions": {"enableCache": True},
            "inputs": bound,
        }
        previous = (name,)
    return [
        {
            "pipelineInfo": {"name": "p"},
            "schemaVersion": "2.1.0",
            "root": {"dag": {"tasks": tasks}},
            "components": components,
            "deploymentSpec": {"executors": executors},
        }
    ]


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """The address of the scheduler's database."""
    with postgres() as addresses:
        yield addresses["scheduler"]


@pytest.fixture
async def scheduler(dsn: str) -> AsyncIterator[Scheduler]:
    """The scheduler, without runs in the test's namespace."""
    objects, outlet = Objects(), Outlet()
    async with open_database(
        dsn, "scheduler", outlet, pool_size=8, packages=("headrace_scheduler",)
    ) as database:
        handlers = Handlers(database, objects, "local")  # type: ignore[arg-type]
        made = Scheduler(database, objects, outlet, handlers)
        yield made
        objects.released.set()
        objects.unavailable.clear()
        for one in (*made.crashed, made.handlers):
            await made.until(lambda one=one: not one._verifications._tasks)

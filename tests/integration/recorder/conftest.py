"""The recorder on a real Postgres, with an object store and a bus in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from headrace_contracts.access import HEADER, Access, Role
from headrace_contracts.ids import new_id
from headrace_contracts.messages import events as e
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.values import Artifact, ArtifactType, Content, Inputs, Outputs
from headrace_recorder.history.handlers import EventRecorder
from headrace_recorder.http import http_app
from headrace_recorder.retention.deletion import Deletion
from headrace_runtime.bus.consumer import Received
from headrace_runtime.bus.publisher import OutgoingMessage
from headrace_runtime.errors import RetryableError
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.objects import ObjectMissingError
from headrace_runtime.pg.database import Database, open_database

from tests.support.postgres import postgres
from tests.support.submissions import AT, submitted


class Bus:
    """Records announcements."""

    def __init__(self) -> None:
        self.client = self
        self.announced: list[str] = []

    async def publish(self, subject: Any, body: bytes = b"") -> list[UUID]:
        """Of a bus client (announcements), and of an outlet (outbox messages)."""
        if isinstance(subject, list):
            return [message.event_id for message in subject if isinstance(message, OutgoingMessage)]
        self.announced.append(subject)
        return []


class Objects:
    """An object store in memory, which can be slow or unavailable."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.available = True
        self.delay_seconds = 0.0
        """How long a page of a list, and a request to delete, take."""
        self.page_size = 1000
        self.undeletable: set[str] = set()
        self.listing = asyncio.Event()
        """Set when a list is requested."""

    def key(self, uri: str) -> str | None:
        return uri.removeprefix("s3://headrace/") if uri.startswith("s3://headrace/") else None

    def uri(self, key: str) -> str:
        return f"s3://headrace/{key}"

    async def size(self, key: str) -> int:
        if key not in self.stored:
            raise ObjectMissingError(key)
        return len(self.stored[key])

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        return self.stored[key][start:end]

    async def presign_get(self, key: str, seconds: int) -> str:
        return f"signed:{key}"

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        last = prefix
        while True:
            self.listing.set()
            await self._answer()
            keys = sorted(k for k in self.stored if k.startswith(prefix) and k > last)
            yield keys[: self.page_size]
            if len(keys) <= self.page_size:
                return
            last = keys[self.page_size - 1]

    async def list(self, prefix: str) -> list[str]:
        return [key async for page in self.pages(prefix) for key in page]

    async def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        await self._answer()
        for key in set(keys) - self.undeletable:
            del self.stored[key]
        return dict.fromkeys(self.undeletable.intersection(keys), "denied")

    async def _answer(self) -> None:
        await asyncio.sleep(self.delay_seconds)
        if not self.available:
            raise RetryableError("object store: connection refused")


@dataclass
class Recorder:
    """The recorder, and a client of its routes."""

    database: Database
    bus: Bus
    objects: Objects
    http: httpx.AsyncClient
    events: EventRecorder
    deletion: Deletion
    namespace: str = field(default_factory=lambda: f"n{uuid4().hex[:12]}")
    """Unique for each test."""
    moment: datetime = AT

    async def record(self, *events: e.Event, at: datetime | None = None) -> None:
        """Record events as one batch, published a second apart unless `at` is given."""
        batch = []
        for event in events:
            self.moment += timedelta(seconds=1)
            published = (at or self.moment).isoformat()
            batch.append(Received(Attributes(str(uuid4()), "/test", event.type, published), event))
        await self.events.handle(batch)

    async def delete_objects(self) -> None:
        """Make an attempt for every request to delete objects that is due."""
        while await self.deletion.delete_next():
            pass

    async def submit(self, **fields: Any) -> UUID:
        """Record `run.submitted`, a second after the event before."""
        self.moment += timedelta(seconds=1)
        values = {"namespace": self.namespace, "submitted_at": self.moment, **fields}
        event = submitted(values.pop("run_id", None) or new_id(), **values)
        await self.record(event)
        return event.run_id

    async def get(
        self,
        path: str,
        *,
        role: Role | None = Role.VIEWER,
        access: Access | None = None,
        expect: int = 200,
        **params: Any,
    ) -> Any:
        """GET a path as a caller with a role in the test's namespace; returns the body."""
        caller = access or Access({self.namespace: role} if role else {})
        given = {name: value for name, value in params.items() if value is not None}
        answer = await self.http.get(
            path, params=given or None, headers={HEADER: caller.to_header()}
        )
        assert answer.status_code == expect, (answer.status_code, answer.text)
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    async def walk(self, path: str, rows: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of a list, read page by page."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            page = await self.get(path, page_token=token, **params)
            found += page[rows]
            token = page.get("next_page_token")
            if token is None:
                return found


def task(run_id: UUID, path: str = "root/train", attempt: int = 1) -> dict[str, Any]:
    """The fields that identify a task in its events."""
    name = path.rpartition("/")[2]
    return {"run_id": run_id, "task_id": of(run_id, path), "name": name, "attempt": attempt}


def of(run_id: UUID, path: str = "root/train") -> UUID:
    """The id of the task at a path."""
    return UUID(int=run_id.int ^ int.from_bytes(path.encode()[-8:]))


def started(run_id: UUID, *paths: str, revision: int = 1, **fields: Any) -> e.RunStarted:
    """`run.started` with these tasks; the parent of a nested task follows from its path."""
    planned = [
        e.PlannedTask(
            task_id=of(run_id, path),
            name=path.rpartition("/")[2],
            display_name=path,
            path=path,
            parent_task_id=of(run_id, path.rpartition("/")[0]) if path.count("/") > 1 else None,
            component="comp-train",
            **fields,
        )
        for path in paths or ("root/train",)
    ]
    return e.RunStarted(run_id=run_id, revision=revision, tasks=tuple(planned))


def artifact(uri: str, kind: str = "system.Model", **fields: Any) -> Artifact:
    """An artifact of one file."""
    return Artifact(
        name="model",
        uri=uri,
        type=ArtifactType(schema_title=kind),
        content=Content(kind="file", bytes=1, files=1),
        artifact_id=fields.pop("artifact_id", None) or uuid4(),
        **fields,
    )


def made(run_id: UUID, *artifacts: Artifact, path: str = "root/train") -> e.TaskSucceeded:
    """`task.succeeded` with these artifacts in the output `out`."""
    return e.TaskSucceeded(
        **task(run_id, path), outputs=Outputs(artifacts={"out": artifacts}), inputs=Inputs()
    )


def measured(run_id: UUID, path: str = "root/train", **numbers: Any) -> e.TaskSucceeded:
    """`task.succeeded` with a metrics artifact."""
    return made(run_id, artifact("s3://x/m", "system.Metrics", metadata=numbers), path=path)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """The address of the recorder's database."""
    with postgres() as addresses:
        yield addresses["recorder"]


@pytest.fixture
async def recorder(dsn: str) -> AsyncIterator[Recorder]:
    """The recorder, without events in the test's namespace."""
    bus, objects = Bus(), Objects()
    async with open_database(
        dsn, "recorder", bus, pool_size=8, packages=("headrace_recorder",)
    ) as database:
        app = http_app(database, objects, 60, TokenSigner("secret"))  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://recorder") as client:
            deletion = Deletion(database, objects)  # type: ignore[arg-type]
            events = EventRecorder(database, bus, deletion)  # type: ignore[arg-type]
            yield Recorder(database, bus, objects, client, events, deletion)

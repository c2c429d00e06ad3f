"""The api on a real Postgres; its bus and object store are in memory.

All tests check that the api uses the bus, the object store and HTTP only while it holds no
connection to Postgres: a slow store must not keep a transaction open.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from headrace_api.experiments.archiving import ExperimentArchiving
from headrace_api.experiments.service import Experiments
from headrace_api.handlers import RUN_STATE_EVENTS, Handlers
from headrace_api.limits.service import Limits
from headrace_api.pipelines.fetch import Fetcher
from headrace_api.pipelines.service import Pipelines
from headrace_api.recurring.service import RecurringRuns
from headrace_api.routes import Services, http_app
from headrace_api.runs.service import Runs
from headrace_api.runs.submissions import Submissions
from headrace_contracts.access import HEADER, Access
from headrace_contracts.messages.cloudevents import Attributes
from headrace_runtime.bus.consumer import Received
from headrace_runtime.bus.publisher import OutgoingMessage, Published
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.pg import database as pg
from headrace_runtime.pg.database import Connection, Database, open_database
from headrace_runtime.space import Shortage, SpaceReserve

from tests.support.graphs import shell_pipeline
from tests.support.postgres import postgres

_CONNECTED: ContextVar[bool] = ContextVar("connected", default=False)


class WatchedDatabase(Database):
    """Records whether the current task holds a connection, for a transaction or for reading."""

    at: datetime | None = None
    """What its clock shows instead of the time."""

    async def time(self) -> datetime:
        return self.at or await super().time()

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        async with super()._acquired() as connection:
            token = _CONNECTED.set(True)
            try:
                yield connection
            finally:
                _CONNECTED.reset(token)


def check_not_connected() -> None:
    """Fail while the current task holds a connection."""
    assert not _CONNECTED.get(), "an effect while a connection to Postgres is held"


class Space(SpaceReserve):
    """A reserve of free space that a test sets."""

    def __init__(self) -> None:
        self.found: Shortage | None = None

    def shortage(self) -> Shortage | None:
        return self.found

    def run_out(self) -> None:
        """Let there be too little space from now on."""
        self.found = Shortage(Path("/data"), 1024**2, 256 * 1024**2)


class WatchedFetcher(Fetcher):
    """Fetches packages; fails while a connection is held."""

    async def fetch(self, url: str) -> bytes:
        check_not_connected()
        return await super().fetch(url)


class Bus:
    """Records published messages. Like in JetStream, repeated ids are one message."""

    def __init__(self) -> None:
        self.messages: dict[UUID, OutgoingMessage] = {}

    async def publish(self, messages: list[OutgoingMessage]) -> list[Published]:
        check_not_connected()
        for message in messages:
            self.messages.setdefault(message.event_id, message)
        return [message.event_id for message in messages]

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        """The published events with these fields, in order."""
        found = [json.loads(message.body) for message in self.messages.values()]
        return [e for e in found if all(e.get(k) == v for k, v in fields.items())]

    def types(self, run_id: str) -> list[str]:
        """The types of a run's events, in order."""
        return [event["type"] for event in self.events(run_id=run_id)]


class Objects:
    """An object store in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    async def put(self, key: str, body: bytes) -> None:
        check_not_connected()
        self.stored[key] = body

    async def get(self, key: str) -> bytes:
        check_not_connected()
        return self.stored[key]

    def key(self, uri: str) -> str | None:
        return uri.removeprefix("s3://headrace/") if uri.startswith("s3://headrace/") else None


@dataclass
class Api:
    """A running api."""

    database: WatchedDatabase
    bus: Bus
    http: httpx.AsyncClient
    submissions: Submissions
    handlers: Handlers
    space: Space
    namespace: str = field(default_factory=lambda: f"n{uuid4().hex[:12]}")
    """Each test has its own namespace."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        expect: int = 0,
        access: Access | None = None,
    ) -> Any:
        """Send a request with an access, by default to everything. Check the status: `expect`, or
        any success."""
        headers = {} if access is None else {HEADER: access.to_header()}
        answer = await self.http.request(method, path, json=body, headers=headers)
        good = answer.status_code == expect if expect else answer.status_code < 300
        assert good, (answer.status_code, answer.text)
        return answer.json()

    async def submit(self, **fields: Any) -> Any:
        """Submit a run of a pipeline with one step and one parameter."""
        if not {"pipeline", "pipeline_spec", "rerun"} & fields.keys():
            fields["pipeline_spec"] = pipeline()
        return await self.ask("POST", "/runs", {"namespace": self.namespace, **fields})

    async def receive(self, type: str, run_id: str, revision: int, **fields: Any) -> None:
        """Deliver an event of the scheduler."""
        event = RUN_STATE_EVENTS.validate_python(
            {"type": type, "run_id": run_id, "revision": revision, **fields}
        )
        attributes = Attributes("1", "/test", type, None)
        await self.handlers.store_run_states([Received(attributes, event)])

    async def fail(self, run_id: str, revision: int) -> None:
        """Deliver the event that a run failed."""
        failure = {"code": "TASK_FAILED", "message": "no"}
        await self.receive("run.failed", run_id, revision, failure=failure)


def pipeline() -> dict[str, Any]:
    """A pipeline with one step and one parameter."""
    spec = shell_pipeline({"a": []})
    parameters = {"day": {"parameterType": "STRING", "defaultValue": "none"}}
    spec["root"]["inputDefinitions"] = {"parameters": parameters}
    return spec


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """The address of the api's schema."""
    with postgres() as addresses:
        yield addresses["api"]


@pytest.fixture(scope="session")
def objects() -> Objects:
    """Lives as long as the schema, which records the specs that are in the object store."""
    return Objects()


@pytest.fixture
async def api(dsn: str, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """An api with an empty bus."""
    monkeypatch.setattr(pg, "Database", WatchedDatabase)
    bus = Bus()
    async with open_database(dsn, "api", bus, pool_size=4, packages=("headrace_api",)) as database:
        space = Space()
        submissions = Submissions(database, objects, space)  # type: ignore[arg-type]
        fetcher = WatchedFetcher(1024**2, 2.0, allow_private=True)
        services = Services(
            runs=Runs(database, objects, space),  # type: ignore[arg-type]
            submissions=submissions,
            recurring_runs=RecurringRuns(database, submissions, space),
            experiments=Experiments(database, ExperimentArchiving(database), space),
            pipelines=Pipelines(database, fetcher, space),
            limits=Limits(database),
        )
        app = http_app(services, TokenSigner("secret"), 1024**2)
        transport = httpx.ASGITransport(app=app)
        headers = {HEADER: Access.everywhere().to_header()}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api", headers=headers
        ) as client:
            handlers = Handlers(database, submissions)
            assert isinstance(database, WatchedDatabase)
            yield Api(database, bus, client, submissions, handlers, space)

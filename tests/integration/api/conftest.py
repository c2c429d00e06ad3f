"""The api on a real Postgres; what it would publish and store is kept in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from headrace_api.experiments import Experiments
from headrace_api.fetch import Fetcher
from headrace_api.handlers import HEARD, Handlers
from headrace_api.http import Parts, http_app
from headrace_api.lists import Lists
from headrace_api.pipelines import Pipelines
from headrace_api.recurring import RecurringRuns
from headrace_api.submissions import Submissions
from headrace_contracts.access import HEADER, Access
from headrace_contracts.cloudevents import Attributes
from headrace_runtime.bus.consumer import Received
from headrace_runtime.bus.publisher import OutgoingMessage
from headrace_runtime.pg.database import Database, open_database

from tests.support.graphs import shell_pipeline
from tests.support.postgres import postgres


class Bus:
    """Remembers what was published, as JetStream would: an id counts once."""

    def __init__(self) -> None:
        self.messages: dict[UUID, OutgoingMessage] = {}

    async def publish(self, messages: list[OutgoingMessage]) -> list[UUID]:
        for message in messages:
            self.messages.setdefault(message.event_id, message)
        return [message.event_id for message in messages]

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        """The events with these fields, in order."""
        found = [json.loads(message.body) for message in self.messages.values()]
        return [e for e in found if all(e.get(k) == v for k, v in fields.items())]

    def kinds(self, run_id: str) -> list[str]:
        """The types of a run's events, in order."""
        return [event["type"] for event in self.events(run_id=run_id)]


class Objects:
    """An object store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, key: str, body: bytes) -> None:
        self.kept[key] = body

    async def get(self, key: str) -> bytes:
        return self.kept[key]

    def key(self, uri: str) -> str | None:
        return uri.removeprefix("s3://headrace/") if uri.startswith("s3://headrace/") else None


@dataclass
class Api:
    """The api's parts, and its routes."""

    database: Database
    bus: Bus
    http: httpx.AsyncClient
    submissions: Submissions
    handlers: Handlers
    namespace: str = field(default_factory=lambda: f"n{uuid4().hex[:12]}")
    """Each test has its own."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        expect: int = 0,
        access: Access | None = None,
    ) -> Any:
        """Send a request, as one who may do everything or with an access; without `expect` it
        has to succeed."""
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

    async def hear(self, kind: str, run_id: str, revision: int, **fields: Any) -> None:
        """Tell the api what the scheduler would."""
        event = HEARD.validate_python(
            {"type": kind, "run_id": run_id, "revision": revision, **fields}
        )
        attributes = Attributes("1", "/test", kind, fields.get("at", _now()))
        await self.handlers.hear([Received(attributes, event)])

    async def fail(self, run_id: str, revision: int, at: str | None = None) -> None:
        """Tell it that a run failed."""
        failure = {"code": "TASK_FAILED", "message": "no"}
        await self.hear("run.failed", run_id, revision, failure=failure, at=at or _now())


def _now() -> str:
    return datetime.now(UTC).isoformat()


def pipeline() -> dict[str, Any]:
    """One step, one parameter."""
    spec = shell_pipeline({"a": []})
    parameters = {"day": {"parameterType": "STRING", "defaultValue": "none"}}
    spec["root"]["inputDefinitions"] = {"parameters": parameters}
    return spec


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """The api's schema."""
    with postgres() as addresses:
        yield addresses["api"]


@pytest.fixture(scope="session")
def objects() -> Objects:
    """As lasting as the schema: the api puts equal specs there once."""
    return Objects()


@pytest.fixture
async def api(dsn: str, objects: Objects) -> AsyncIterator[Api]:
    """The api, with nothing published yet."""
    bus = Bus()
    async with open_database(dsn, "api", bus, pool_size=4, packages=("headrace_api",)) as database:
        submissions = Submissions(database, objects)  # type: ignore[arg-type]
        fetcher = Fetcher(1024**2, 2.0, allow_private=True)
        parts = Parts(
            database=database,
            objects=objects,  # type: ignore[arg-type]
            submissions=submissions,
            recurring=RecurringRuns(database, submissions),
            experiments=Experiments(database),
            pipelines=Pipelines(database, fetcher),
            lists=Lists.signed("secret"),
        )
        app = http_app(parts, 1024**2)
        transport = httpx.ASGITransport(app=app)
        headers = {HEADER: Access.everywhere().to_header()}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api", headers=headers
        ) as client:
            handlers = Handlers(database, submissions)
            yield Api(database, bus, client, submissions, handlers)

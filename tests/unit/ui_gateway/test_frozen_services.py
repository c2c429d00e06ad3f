"""Every route of the gateway while a service behind it does not respond: it is answered without
that service, or with a 503 after a few seconds.

The services' time is virtual: a call to a frozen service fails at once, and the time that the
gateway would have waited for it is added up.
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import pytest
from headrace_ui_gateway.app import http_app
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream import runs as runs_module
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.services import Services

from tests.support.routes import ROWS, Row

LONGEST_SECONDS = 6.0
ID, NEW_ID = str(UUID(int=1)), str(UUID(int=2))
AT = "2026-01-02T03:04:05Z"
ANYTHING = {
    **dict.fromkeys(
        (
            "run_id", "task_id", "experiment_id", "pipeline_id", "pipeline_version_id",
            "recurring_run_id", "artifact_id",
        ),
        ID,
    ),
    **dict.fromkeys(("submitted_at", "created_at", "updated_at"), AT),
    "namespace": "default",
    "display_name": "x",
    "name": "x",
    "path": "root/x",
    "pipeline": {"name": "x"},
    "pipeline_spec": {"root": {}},
    "document": {"pipeline_spec": {"root": {}}},
    "trigger": {"interval_seconds": 60},
    "enabled": True,
    "fired": 0,
    "max_concurrency": 1,
    "catch_up": True,
    "moments": [],
    "state": "RUNNING",
    "version": 4,
    "output": "x",
    "uri": "s3://x/y",
    "type": "OUTPUT",
    "url": "http://127.0.0.1:9/x",
    "used": True,
    "hit": False,
    "reason": "x",
}  # fmt: skip
"""An answer that every kind of resource, and every page of a list, can be read from."""
_HEADERS = {
    "X-Run-Version": "4", "X-Run-State": "RUNNING", "x-log-size": "0", "x-log-complete": "true",
    "Location": "http://127.0.0.1:9/x",
}  # fmt: skip
_FILE = {"uploadfile": ("p.yaml", b"a: 1", "application/yaml")}
ENDLESS = ("/live", "/session")
"""Streams have no end, and signing in has its own tests."""
TABLE = [row for row in ROWS if not row.path.endswith(ENDLESS)]
NEED_RECORDER = {
    "GET /runs", "GET /runs/{}", "GET /runs/{}/rerun-preview", "GET /runs/{}/tasks", "GET /tasks",
    "GET /tasks/{}", "GET /tasks/{}/artifacts", "GET /runs/{}/tasks/{}/cache",
    "GET /runs/{}/events", "GET /runs/{}/tasks/{}/log", "GET /runs/{}/tasks/{}/artifacts/{}",
    "GET /artifacts", "GET /artifacts/{}", "GET /artifacts/{}/tasks",
    "GET /artifacts/{}/content", "GET /runs/{}/visualizations",
    "GET /artifacts/{}/visualizations", "GET /artifacts/{}/visualizations/{}/page",
    "GET /artifact_tasks", "GET /runs/{}/nodes/{}/artifacts/{}:read",
    "GET /runs/{}/nodes/{}/log",
}  # fmt: skip
"""Routes that read what only the recorder has. Every other one is answered without it."""


class World:
    """The gateway over an api and a recorder, one of which may be frozen."""

    def __init__(self, frozen: str) -> None:
        self.waited = 0.0
        self._frozen = frozen
        no_bus: Any = None
        services = Services(
            self._service("api"), self._service("recorder"),
            RunAnnouncements(no_bus, asyncio.Event()),
        )  # fmt: skip
        settings = Settings(
            nats_url="x", http_port=1, service_token="x", api_url="x", recorder_url="x",
            owner_token="owner",
        )  # fmt: skip
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(http_app(services, settings)),
            base_url="http://127.0.0.1:1",
            headers={"Authorization": "Bearer owner"},
        )

    def _service(self, name: str) -> ServiceClient:
        async def answer(request: httpx.Request) -> httpx.Response:
            if name == self._frozen:
                self.waited += request.extensions["timeout"]["read"]
                raise httpx.ReadTimeout("frozen")
            is_new = (request.method, request.url.path) == ("POST", "/runs")
            found = {**ANYTHING, "run_id": NEW_ID} if is_new else ANYTHING
            return httpx.Response(200, json=found, headers=_HEADERS)

        return ServiceClient(name, f"http://{name}", "t", httpx.MockTransport(answer))

    async def send(self, row: Row) -> httpx.Response:
        """Request a route of the table."""
        names = {"namespace": "default", "position": "0", "artifact_name": "x", "name": "x"}

        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: filled(one) for key, one in value.items()}
            if not isinstance(value, str) or value.startswith("{{"):
                return value
            return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], ID), value)

        return await self.client.request(
            row.method,
            filled(row.path),
            params=filled(row.query),
            json=filled(row.body),
            files=_FILE if row.file else None,
        )


def _route(row: Row) -> str:
    """A row's method and path without the API's prefix."""
    path = row.key.split(" ")[1]
    for prefix in ("/api/v1", "/apis/v2beta1", "/apis/v1alpha1"):
        path = path.removeprefix(prefix)
    return f"{row.method} {path}"


@cache
def world_without(frozen: str) -> World:
    """The gateway, which takes long to build, for all tests."""
    return World(frozen)


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "VISIBLE_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr(runs_module, "_FIRST_FALLBACK_SECONDS", 0.01)


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_a_frozen_api_never_keeps_a_caller_waiting(row: Row) -> None:
    world = world_without("api")
    world.waited = 0.0
    response = await world.send(row)
    assert response.status_code < 500 or response.status_code in (501, 503), response.text
    assert world.waited <= LONGEST_SECONDS


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_only_routes_that_read_what_the_recorder_has_need_it(row: Row) -> None:
    world = world_without("recorder")
    world.waited = 0.0
    response = await world.send(row)
    is_page = row.path in ("/", "/runs/{run}")
    needs = _route(row) in NEED_RECORDER and not is_page
    assert (response.status_code == 503) == needs, response.text
    assert response.status_code < 500 or response.status_code in (501, 503), response.text
    if response.status_code == 503:
        assert response.headers["Retry-After"] == "1"
        assert world.waited <= LONGEST_SECONDS


@pytest.mark.parametrize("prefix", ["/api/v1", "/apis/v2beta1"])
async def test_an_accepted_run_is_found_although_the_recorder_has_not_shown_it(
    prefix: str,
) -> None:
    world = world_without("recorder")
    made = await world.client.post(f"{prefix}/runs", json={"pipeline_spec": {"root": {}}})
    assert made.status_code in (200, 201)
    found = await world.client.get(f"{prefix}/runs/{made.json()['run_id']}")
    assert (found.status_code, found.json()["state"]) == (200, "PENDING")

"""KFP's application over fake services, and resources that they answer with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from headrace_contracts.access import Access, Role
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.kfp.app import mount_kfp
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.services import Services

LIMIT = 1024 * 1024
AT = "2026-01-02T03:04:05Z"
ONE, TWO, THREE = (str(UUID(int=n)) for n in (1, 2, 3))
EXPERIMENT = {
    "experiment_id": ONE,
    "namespace": "team",
    "display_name": "x",
    "created_at": AT,
    "archived": True,
    "last_run_created_at": AT,
}
PIPELINE = {
    "pipeline_id": TWO,
    "namespace": "team",
    "name": "p",
    "display_name": "P",
    "created_at": AT,
    "tags": {"a": "b"},
}
VERSION = {
    "pipeline_id": TWO,
    "pipeline_version_id": THREE,
    "name": "v",
    "display_name": "V",
    "created_at": AT,
    "package_url": "https://example.com/p.yaml",
    "code_source_url": "https://example.com/code",
    "tags": {"c": "d"},
    "document": {"pipeline_spec": {"root": {}}, "platform_spec": None},
}
RUN = {
    "run_id": ONE,
    "namespace": "team",
    "experiment_id": ONE,
    "display_name": "r",
    "pipeline": {"name": "p"},
    "state": "SUCCEEDED",
    "created_at": AT,
    "version": 3,
}
TEAMS = Access({"team": Role.EDITOR, "other": Role.VIEWER})


@dataclass
class Call:
    """A request to a service."""

    method: str
    path: str
    params: dict[str, Any]
    content: bytes | None
    json: Any


class FakeService(ServiceClient):
    """A service behind the gateway. `answers` are by method and path: a value, an error to raise,
    or a function of the call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Any] = {}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Record the call and return its answer."""
        params = {k: v for k, v in (options.get("params") or {}).items() if v is not None}
        made = Call(method, path, params, options.get("content"), options.get("json"))
        self.calls.append(made)
        found = self.answers.get(f"{method} {path}", {})
        if callable(found):
            found = found(made)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(200, content=json.dumps(found, default=str).encode())


@dataclass
class World:
    """A client of the application, and the services behind it."""

    client: httpx.AsyncClient
    api: FakeService = field(default_factory=FakeService)
    recorder: FakeService = field(default_factory=FakeService)


@asynccontextmanager
async def kfp_world(
    access: Access | None = None, *, multi_user: bool = False
) -> AsyncIterator[World]:
    """KFP's API for a caller with these rights; by default for the owner."""
    no_bus: Any = None
    api, recorder = FakeService(), FakeService()
    services = Services(api, recorder, RunAnnouncements(no_bus, asyncio.Event()))
    app = FastAPI(openapi_url=None)
    mount_kfp(app, services, LIMIT, multi_user=multi_user)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    token = ACCESS.set(access or Access.everywhere())
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://kfp") as client:
            yield World(client, api, recorder)
    finally:
        ACCESS.reset(token)


def rejection(code: RejectionCode, message: str = "no") -> RejectedError:
    """A rejection by a service."""
    return RejectedError.because(code, message)


def run_answer(run: dict[str, Any]) -> httpx.Response:
    """The recorder's answer with a run."""
    headers = {"X-Run-Version": str(run["version"]), "X-Run-State": run["state"]}
    return httpx.Response(200, json=run, headers=headers)

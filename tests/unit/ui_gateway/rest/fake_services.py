"""The routes of /api/v1 over fake services, which answer 404 unless a test says otherwise."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from fastapi import FastAPI
from headrace_runtime.http import install_problems
from headrace_ui_gateway.rest.app import rest_router
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.services import Services


class FakeServices:
    """Answers requests to `api` and `recorder`, and records them."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], httpx.Response] = {}
        self.requests: list[httpx.Request] = []

    def answer(self, method: str, path: str, body: Any, **headers: str) -> None:
        """Set the answer to a request."""
        self.answers[method, path] = httpx.Response(200, json=body, headers=headers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers.get((request.method, request.url.path))
        if found is not None:
            return httpx.Response(found.status_code, content=found.content, headers=found.headers)
        problem = {"code": "NOT_FOUND", "detail": "not found"}
        return httpx.Response(404, json=problem)

    @property
    def body(self) -> Any:
        """The body of the latest request."""
        return json.loads(self.requests[-1].content)


def app_over(fake: FakeServices) -> FastAPI:
    """The routes without the gate."""
    client = ServiceClient("fake", "http://fake", "token", httpx.MockTransport(fake))
    no_bus: Any = None
    services = Services(client, client, RunAnnouncements(no_bus, asyncio.Event()))
    settings = Settings.model_construct(
        live_per_second=4.0, heartbeat_seconds=15.0, max_package_bytes=1024 * 1024
    )
    app = FastAPI(openapi_url=None)
    install_problems(app)
    app.include_router(rest_router(services, settings, new_router("access")))
    return app


def client_over(fake: FakeServices) -> httpx.AsyncClient:
    """A client of `app_over`."""
    transport = httpx.ASGITransport(app_over(fake), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway/api/v1")

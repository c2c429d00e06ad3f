"""The own API over services that are not there: what is refused before anybody behind is asked."""

from __future__ import annotations

import json
from typing import Any

import httpx
from fastapi import FastAPI
from headrace_runtime.http import install_problems
from headrace_ui_gateway.rest.app import rest_router
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs


class Behind:
    """Answers for `api` and `recorder`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], httpx.Response] = {}
        self.asked: list[httpx.Request] = []

    def answer(self, method: str, path: str, body: Any, **headers: str) -> None:
        """What a request is resource_response from now on."""
        self.answers[method, path] = httpx.Response(200, json=body, headers=headers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.get((request.method, request.url.path))
        if found is not None:
            return httpx.Response(found.status_code, content=found.content, headers=found.headers)
        problem = {"code": "NOT_FOUND", "detail": "there is no such thing"}
        return httpx.Response(404, json=problem)

    @property
    def body(self) -> Any:
        """The body of the latest request."""
        return json.loads(self.asked[-1].content)


def app_over(behind: Behind) -> FastAPI:
    """The routes alone, without the doors in front of them."""
    backend = ServiceClient("behind", "http://behind", "token")
    backend._client = httpx.AsyncClient(
        base_url="http://behind", transport=httpx.MockTransport(behind)
    )
    settings = Settings.model_construct(
        live_per_second=4.0, heartbeat_seconds=15.0, max_package_bytes=1024 * 1024
    )
    app = FastAPI(openapi_url=None)
    install_problems(app)
    live: Any = None
    access = new_router("access")
    app.include_router(
        rest_router(backend, backend, Runs(backend, backend), live, settings, access)
    )
    return app


def client_over(behind: Behind) -> httpx.AsyncClient:
    """A client of `app_over`."""
    transport = httpx.ASGITransport(app_over(behind), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway/api/v1")

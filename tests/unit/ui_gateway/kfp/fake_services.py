"""KFP's application over services that answer what a test tells them to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from headrace_contracts.access import Access
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.kfp.app import mount_kfp
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs

LIMIT = 1024 * 1024


@dataclass
class Call:
    """A request that reached a service."""

    method: str
    path: str
    params: dict[str, Any]
    content: bytes | None
    json: Any


class Service(ServiceClient):
    """A service behind the gateway. `answers` are by method and path: a value, an error to raise,
    or a function of the call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Any] = {}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Answer as the test wants."""
        params = {k: v for k, v in (options.get("params") or {}).items() if v is not None}
        made = Call(method, path, params, options.get("content"), options.get("json"))
        self.calls.append(made)
        answer = self.answers.get(f"{method} {path}", {})
        if isinstance(message_response, Callable):  # type: ignore[arg-type]
            answer = message_response(made)
        if isinstance(message_response, Exception):
            raise message_response
        if isinstance(message_response, httpx.Response):
            return message_response
        return httpx.Response(200, content=json.dumps(message_response, default=str).encode())


@dataclass
class World:
    """The application's client, and the services behind it."""

    client: httpx.AsyncClient
    api: Service = field(default_factory=Service)
    recorder: Service = field(default_factory=Service)


@asynccontextmanager
async def kfp_world(
    access: Access | None = None, *, multi_user: bool = False
) -> AsyncIterator[World]:
    """KFP's API for somebody with an access; by default for the only user."""
    api, recorder = Service(), Service()
    app = FastAPI(openapi_url=None)
    mount_kfp(app, api, recorder, Runs(api, recorder), LIMIT, multi_user=multi_user)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    token = ACCESS.set(access or Access.everywhere())
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://kfp") as client:
            yield World(client, api, recorder)
    finally:
        ACCESS.reset(token)


def refused(code: RejectionCode, message: str = "no") -> RejectedError:
    """A service's error_response."""
    return RejectedError.because(code, message)

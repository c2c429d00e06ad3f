"""The gate in front of every route: authentication and rate limits.

It is plain ASGI middleware, so that event streams pass through unbuffered.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import structlog
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RetryableError
from headrace_runtime.http import HEALTH_PATHS, unavailable_text
from headrace_runtime.logging import get_logger
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace_ui_gateway.auth.authenticator import (
    Authenticator,
    ForeignOriginError,
    RequestInfo,
)
from headrace_ui_gateway.auth.caller import ACCESS, CALLER
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.auth.rules.principals import ANONYMOUS, CredentialError, Principal
from headrace_ui_gateway.auth.rules.rate_limits import Buckets

SESSION = "/api/v1/session"
"""Where a browser exchanges its token for a cookie."""
_OPEN = frozenset({"/apis/v2beta1/healthz", "/apis/v1beta1/healthz", "/api/v1/healthz", SESSION})
"""Paths that need no authentication."""
_STATIC = "/static/"


class Gate:
    """ASGI middleware that sets `ACCESS` and `CALLER` for the routes behind it."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        refusals: Refusals,
        principals: Buckets,
        addresses: Buckets,
    ) -> None:
        """`principals` has a bucket for each principal, `addresses` one for each address of
        unauthenticated callers."""
        self._app = app
        self._authenticator = authenticator
        self._refusals = refusals
        self._principals = principals
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS:
            await self._app(scope, receive, send)
            return
        if not scope["path"].isprintable():  # no route has such a path, and routers fail on it
            message = "the path contains control characters"
            refusal = self._refusals.refusal(scope["path"], RejectionCode.NOT_FOUND, message)
            await refusal(scope, receive, send)
            return
        admitted = await self._admit(scope)
        if isinstance(admitted, Response):
            await admitted(scope, receive, send)
            return
        access, caller = ACCESS.set(admitted.access), CALLER.set(admitted)
        try:
            with structlog.contextvars.bound_contextvars(caller=admitted.key):
                await self._app(scope, receive, send)
        finally:
            ACCESS.reset(access)
            CALLER.reset(caller)

    async def _admit(self, scope: Scope) -> Principal | Response:
        """The caller, or the refusal of the request."""
        request = request_info(scope)
        path = scope["path"]
        try:
            if path.startswith(_STATIC):
                return ANONYMOUS
            if path in _OPEN:
                if path == SESSION:
                    self._authenticator.check_origin(request)
                caller = await self._caller_or_anonymous(request)
            else:
                caller = await self._authenticator.authenticate(request)
            return self._limited(request, path, caller)
        except CredentialError as error:
            limited = self._limited(request, path, ANONYMOUS)
            if isinstance(limited, Response):
                return limited
            get_logger().info(
                "credential_refused", address=request.client[0], path=path, why=error.why
            )
            return self._refusals.unauthenticated(request, path, error.fault)
        except ForeignOriginError as error:
            get_logger().info(
                "foreign_request_refused", address=request.client[0], path=path, why=str(error)
            )
            return self._refusals.refusal(path, RejectionCode.FORBIDDEN, str(error))
        except RetryableError as error:
            return self._refusals.unavailable(path, unavailable_text(error))

    async def _caller_or_anonymous(self, request: RequestInfo) -> Principal:
        """The caller of a path that needs no authentication. An authenticated caller keeps their
        own rate limit there."""
        try:
            return await self._authenticator.authenticate(request)
        except (CredentialError, ForeignOriginError, RetryableError):
            return ANONYMOUS

    def _limited(self, request: RequestInfo, path: str, caller: Principal) -> Principal | Response:
        """The caller, or a 429 if they have exceeded their rate limit."""
        now = time.monotonic()
        if caller is ANONYMOUS:
            wait = self._addresses.take(self._authenticator.address(request), now)
        else:
            wait = self._principals.take(caller.key, now)
        if not wait:
            return caller
        seconds = math.ceil(wait)
        message = f"too many requests; retry in {seconds} s"
        response = self._refusals.refusal(path, RejectionCode.TOO_MANY_REQUESTS, message)
        response.headers["Retry-After"] = str(seconds)
        return response


class SecurityHeaders:
    """ASGI middleware that adds headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def request_info(scope: Scope) -> RequestInfo:
    """The request of an ASGI scope."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    path = scope["path"]
    return RequestInfo(
        method=scope["method"],
        page=not path.startswith(("/api/", "/apis/")),
        headers=headers,
        # The server's own object for the connection; see `SameUserCheck`.
        client=scope["client"] or ("", 0),
        server=scope["server"] or ("", 0),
    )

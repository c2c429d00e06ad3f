"""The gate before every route: who asks, whether he asks too often, and how he is refused.

It is plain ASGI, so that a stream of events goes through as it is sent.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RetryableError
from headrace_runtime.http import HEALTH_PATHS, STATUS, problem
from headrace_runtime.logging import get_logger
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace_ui_gateway.auth.authenticator import Asked, Authenticator, ElsewhereError
from headrace_ui_gateway.auth.caller import ACCESS, CALLER
from headrace_ui_gateway.auth.rules.principals import NOBODY, CredentialError, Fault, Principal
from headrace_ui_gateway.auth.rules.rate_limits import Buckets
from headrace_ui_gateway.kfp.messages import errors as kfp

SESSION = "/api/v1/session"
"""Where a browser hands in its token."""
_OPEN = frozenset({"/apis/v2beta1/healthz", "/apis/v1beta1/healthz", "/api/v1/healthz", SESSION})
_STATIC = "/static/"
_SIGN_IN = Path(__file__).parents[1] / "static" / "sign_in.html"
_GRPC = {
    RejectionCode.UNAUTHENTICATED: 16,
    RejectionCode.FORBIDDEN: 7,
    RejectionCode.TOO_MANY_REQUESTS: 8,
    RejectionCode.NOT_FOUND: 5,
}


class Gate:
    """ASGI middleware that sets `ACCESS` and `CALLER` for what is behind it."""

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, known: Buckets, strangers: Buckets
    ) -> None:
        """`known`: a bucket for each principal; `strangers`: for each address of those who are
        not known."""
        self._app = app
        self._authenticator = authenticator
        self._known = known
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS:
            await self._app(scope, receive, send)
            return
        if not scope["path"].isprintable():  # no route has such a part, and routers trip over it
            message = "the path has control characters in it"
            await refusal(scope["path"], RejectionCode.NOT_FOUND, message)(scope, receive, send)
            return
        found = await self._look(scope)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        access, caller = ACCESS.set(found.access), CALLER.set(found)
        try:
            with structlog.contextvars.bound_contextvars(caller=found.key):
                await self._app(scope, receive, send)
        finally:
            ACCESS.reset(access)
            CALLER.reset(caller)

    async def _look(self, scope: Scope) -> Principal | Response:
        """Who may go on, or why he may not."""
        asked = asked_by(scope)
        path = scope["path"]
        try:
            if path.startswith(_STATIC):
                return NOBODY
            if path in _OPEN:
                if path == SESSION:
                    self._authenticator.refuse_elsewhere(asked)
                return self._within_limit(asked, path, await self._who_if_known(asked))
            return self._within_limit(asked, path, await self._authenticator.who(asked))
        except CredentialError as error:
            over = self._within_limit(asked, path, NOBODY)
            if isinstance(over, Response):
                return over
            get_logger().info(
                "credential_refused", address=asked.client[0], path=path, why=error.why
            )
            return unauthenticated(asked, path, error.fault)
        except ElsewhereError as error:
            get_logger().info(
                "foreign_request_refused", address=asked.client[0], path=path, why=str(error)
            )
            return refusal(path, RejectionCode.FORBIDDEN, str(error))
        except RetryableError as error:
            return unavailable(path, str(error))

    async def _who_if_known(self, asked: Asked) -> Principal:
        """Who asks for what is open to everybody: a stranger's limit is for strangers."""
        try:
            return await self._authenticator.who(asked)
        except (CredentialError, ElsewhereError, RetryableError):
            return NOBODY

    def _within_limit(self, asked: Asked, path: str, caller: Principal) -> Principal | Response:
        now = time.monotonic()
        if caller is NOBODY:
            wait = self._strangers.take(self._authenticator.address(asked), now)
        else:
            wait = self._known.take(caller.key, now)
        if not wait:
            return caller
        answer = refusal(path, RejectionCode.TOO_MANY_REQUESTS, "too many requests; wait a moment")
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer


class SecurityHeaders:
    """ASGI middleware that adds headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding)


def asked_by(scope: Scope) -> Asked:
    """What an ASGI scope tells of a request."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    path = scope["path"]
    return Asked(
        method=scope["method"],
        page=not path.startswith(("/api/", "/apis/")),
        headers=headers,
        # The very object that the server has for the connection; see `SameUser`.
        client=scope["client"] or ("", 0),
        server=scope["server"] or ("", 0),
    )


def refusal(path: str, code: RejectionCode, message: str) -> Response:
    """A refusal in the shape of the API that was asked."""
    if path.startswith("/apis/"):
        body = json.dumps(kfp.status_of(_GRPC[code], message))
        return Response(body, STATUS[code], media_type="application/json")
    return problem(STATUS[code], code, message)


def unauthenticated(asked: Asked, path: str, fault: Fault) -> Response:
    """The answer to who is not known: for a person at a page, a form to sign in."""
    wants_page = asked.page and "text/html" in asked.headers.get("accept", "")
    answer: Response
    if wants_page and asked.method in ("GET", "HEAD"):
        headers = {"Cache-Control": "no-store"}
        answer = FileResponse(_SIGN_IN, 401, headers=headers, media_type="text/html")
    else:
        answer = refusal(path, RejectionCode.UNAUTHENTICATED, fault.value)
    told = "" if fault is Fault.MISSING else f' error="invalid_token", error_description="{fault}"'
    answer.headers["WWW-Authenticate"] = f'Bearer realm="headrace"{"," if told else ""}{told}'
    return answer


def unavailable(path: str, message: str) -> Response:
    """The answer when nobody can be known just now."""
    if path.startswith("/apis/"):
        body = json.dumps(kfp.status_of(14, message))
        answer = Response(body, 503, media_type="application/json")
    else:
        answer = problem(503, "UNAVAILABLE", message)
    answer.headers["Retry-After"] = "1"
    return answer

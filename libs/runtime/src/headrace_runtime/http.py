"""HTTP for every service: health and metrics, error bodies, and a server with graceful shutdown.

Endpoints: ``/livez`` (the process runs), ``/readyz`` (its dependencies are available),
``/metrics``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus

import h11
import uvicorn
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Problem
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.logging import get_logger

STATUS = {
    RejectionCode.MALFORMED: 400,
    RejectionCode.INVALID_SPEC: 400,
    RejectionCode.UNSUPPORTED_FEATURE: 400,
    RejectionCode.INVALID_PARAMETER: 400,
    RejectionCode.NOT_FOUND: 404,
    RejectionCode.CONFLICT: 409,
    RejectionCode.TOO_LARGE: 413,
    RejectionCode.UNAUTHENTICATED: 401,
    RejectionCode.FORBIDDEN: 403,
    RejectionCode.TOO_MANY_REQUESTS: 429,
    RejectionCode.INSUFFICIENT_STORAGE: 507,
}
RETRY_AFTER = {"Retry-After": "1"}
"""The header of a response to a request that may be repeated soon."""

HEALTH_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
Check = Callable[[], Awaitable[None]]
Notice = Callable[[], object | None]


def health_routes(ready: Check, notice: Notice) -> list[Route]:
    """The routes of every service. `ready` raises `RetryableError` when a dependency is
    unavailable; `notice` returns what else an operator should know, or None."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        try:
            await ready()
        except RetryableError as error:
            return PlainTextResponse(f"not ready: {error}\n", 503)
        noticed = notice()
        return PlainTextResponse("ok\n" if noticed is None else f"ok\n{noticed}\n")

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def problem(status: int, code: str, detail: str, field: str | None = None) -> Response:
    """An RFC 9457 error body."""
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, field=field
    )
    return Response(body.to_json(), status, media_type="application/problem+json")


_RETRY = "; retry"
RETRY_AFTER = {"Retry-After": "1"}
"""The header of each response that says that something is unavailable: seconds."""


def unavailable_text(error: RetryableError) -> str:
    """What a caller reads when something is unavailable."""
    return f"{error.message}{_RETRY}"


def unavailable_cause(text: str) -> str:
    """The message of the error that `unavailable_text` made a text of."""
    return text.removesuffix(_RETRY)


def unavailable_problem(error: RetryableError) -> Response:
    """A 503 that says what is unavailable."""
    response = problem(503, "UNAVAILABLE", unavailable_text(error))
    response.headers.update(RETRY_AFTER)
    return response


def install_problems(app: Starlette) -> None:
    """Return every error of the app as a problem body. Unexpected errors are logged; the caller
    gets a 500 without details."""

    async def rejected(_: Request, error: Exception) -> Response:
        assert isinstance(error, RejectedError)
        rejection = error.rejection
        response = problem(
            STATUS[rejection.code], rejection.code, rejection.message, rejection.field
        )
        if rejection.code is RejectionCode.TOO_MANY_REQUESTS:
            response.headers.update(RETRY_AFTER)
        return response

    async def unavailable(_: Request, error: Exception) -> Response:
        assert isinstance(error, RetryableError)
        get_logger().warning("request_unavailable", error=str(error))
        return unavailable_problem(error)

    async def http_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = problem(error.status_code, _code(error.status_code), str(error.detail))
        response.headers.update(error.headers or {})  # such as Allow
        return response

    async def unexpected(request: Request, error: Exception) -> Response:
        get_logger().error("request_failed", path=request.url.path, exc_info=error)
        return problem(500, "INTERNAL", "unexpected error; see the service's log")

    async def malformed(_: Request, error: Exception) -> Response:
        first = error.errors()[0]  # type: ignore[attr-defined]  # a RequestValidationError
        field = ".".join(str(part) for part in first["loc"][1:]) or None
        prefix = f"{field}: " if field else ""
        return problem(400, RejectionCode.MALFORMED, f"{prefix}{first['msg']}", field)

    app.add_exception_handler(RejectedError, rejected)
    app.add_exception_handler(RetryableError, unavailable)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected)
    fastapi = sys.modules.get("fastapi.exceptions")  # loaded only in services with an API
    if fastapi is not None:
        app.add_exception_handler(fastapi.RequestValidationError, malformed)


def _code(status: int) -> str:
    names = {
        401: "UNAUTHENTICATED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        409: "CONFLICT",
        413: "TOO_LARGE",
    }
    return names.get(status, "MALFORMED" if status < 500 else "INTERNAL")


class StartingApp:
    """The application of a service that starts: it answers health checks, and everything else with
    503 and what the start waits for, until `app` is set."""

    def __init__(self, ready: Check) -> None:
        self.app: ASGIApp | None = None
        self._ready = ready
        self._starting = Starlette(routes=health_routes(ready, lambda: None))
        self._starting.mount("/", self._unavailable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.app or self._starting)(scope, receive, send)

    async def _unavailable(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._ready()
        except RetryableError as error:
            await unavailable_problem(error)(scope, receive, send)


class _Protocol(H11Protocol):
    """HTTP that answers malformed requests with a problem body."""

    def send_400_response(self, msg: str) -> None:
        """Respond and close the connection."""
        response = problem(400, RejectionCode.MALFORMED, msg)
        headers = [*response.raw_headers, (b"connection", b"close")]
        start = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (start, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: `Service` decides when it stops."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=_Protocol,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                timeout_keep_alive=30,
                lifespan="off",
                proxy_headers=False,  # trust the connection's address, not a header
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield

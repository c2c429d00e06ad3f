"""``/apis``: KFP's API as a separate application, with its own errors and OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.http import RETRY_AFTER, unavailable_text
from headrace_runtime.logging import get_logger
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace_ui_gateway.kfp.artifacts import (
    REPEATABLE_PARAMETERS,
    artifact_router,
    artifact_write_router,
)
from headrace_ui_gateway.kfp.experiments import experiment_router
from headrace_ui_gateway.kfp.http import KfpContext, error_response
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.node_files import node_file_router
from headrace_ui_gateway.kfp.pipelines import pipeline_router, version_router
from headrace_ui_gateway.kfp.recurring_runs import recurring_run_router
from headrace_ui_gateway.kfp.runs import run_router
from headrace_ui_gateway.kfp.service import service_router, unsupported_router
from headrace_ui_gateway.kfp.uploads import upload_error, upload_router
from headrace_ui_gateway.upstream.services import Services

PREFIX = "/apis"
UPLOADS = f"{PREFIX}/v2beta1/pipelines/upload"
_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may contain besides the file."""
_CODES = {
    401: errors.UNAUTHENTICATED,
    403: errors.PERMISSION_DENIED,
    404: errors.NOT_FOUND,
    405: errors.UNIMPLEMENTED,
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DESCRIPTION = """The API of Kubeflow Pipelines, for its unmodified clients.

Requests may name fields in snake_case or camelCase; unknown fields are rejected. Responses omit
empty fields."""


def mount_kfp(
    app: FastAPI, services: Services, max_package_bytes: int, *, multi_user: bool
) -> None:
    """Serve KFP's API below `PREFIX`."""
    app.mount(PREFIX, kfp_app(services, max_package_bytes, multi_user=multi_user))

    # A mount does not match a path that contains a line break.
    @app.api_route(f"{PREFIX}/{{path:kfp_any}}", methods=[*_METHODS], include_in_schema=False)
    async def not_found() -> Response:
        return error_response(errors.NOT_FOUND, "Not Found")


def kfp_app(services: Services, max_package_bytes: int, *, multi_user: bool) -> FastAPI:
    """The application below `PREFIX`."""
    context = KfpContext(
        services.api, services.recorder, services.runs, services.announcements, multi_user
    )
    app = _Application(
        title="Kubeflow Pipelines API, by Headrace",
        version="2",
        description=_DESCRIPTION,
        openapi_url="/v2beta1/openapi.json",
        docs_url=None,
        redoc_url=None,
        root_path_in_servers=False,
        redirect_slashes=False,
        dependencies=[Depends(_check_repeated_parameters)],
    )
    app.add_middleware(_BodyLimit, limit=max_package_bytes + _FORM_OVERHEAD)
    _install_errors(app)
    app.include_router(service_router(context))
    app.include_router(upload_router(context))
    app.include_router(pipeline_router(context))
    app.include_router(version_router(context))
    app.include_router(experiment_router(context))
    app.include_router(run_router(context))
    app.include_router(node_file_router(context))
    app.include_router(recurring_run_router(context))
    app.include_router(artifact_router(context))
    app.include_router(artifact_write_router())
    app.include_router(unsupported_router())
    return app


def _check_repeated_parameters(request: Request) -> None:
    """Reject a query parameter that is repeated and has only one value."""
    query = request.query_params
    for name in query:
        if name not in REPEATABLE_PARAMETERS and len(query.getlist(name)) > 1:
            raise errors.invalid(f"{name} must not be repeated", name)


class _Application(FastAPI):
    """Its OpenAPI document has the paths with the prefix, and only the errors of the routes."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["paths"] = {PREFIX + path: item for path, item in document["paths"].items()}
            for item in document["paths"].values():
                for operation in item.values():
                    operation["responses"].pop("422", None)
            for unused in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(unused, None)
            self.openapi_schema = document
        return self.openapi_schema


class _BodyLimit:
    """Rejects a body larger than `limit` bytes, by its Content-Length or while it is received."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = HTTPException(413, f"the request is larger than {self._limit // 1024**2} MiB")
        header = dict(scope["headers"]).get(b"content-length", b"0")
        content_length = int(header) if header.isdigit() else 0
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            if content_length > self._limit:
                raise too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise too_large
            return message

        await self._app(scope, receive_counted, send)


def _install_errors(app: FastAPI) -> None:
    """Answer every error in the format that KFP's client reads."""

    @app.exception_handler(RejectedError)
    async def rejected(request: Request, error: RejectedError) -> Response:
        rejection = error.rejection
        code, status = errors.grpc_code(rejection.code), errors.http_status(rejection)
        response = _error_of_route(request, code, rejection.message, status)
        if rejection.code is RejectionCode.TOO_MANY_REQUESTS:
            response.headers.update(RETRY_AFTER)
        return response

    @app.exception_handler(errors.KfpError)
    async def refused(_: Request, error: errors.KfpError) -> Response:
        return error_response(error.code, error.message)

    @app.exception_handler(RetryableError)
    async def unavailable(_: Request, error: RetryableError) -> Response:
        get_logger().warning("request_unavailable", error=str(error))
        response = error_response(errors.UNAVAILABLE, unavailable_text(error))
        response.headers.update(RETRY_AFTER)
        return response

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        fault = str(first["msg"]).removeprefix("Value error, ")
        message = f"{field}: {fault}" if field else fault
        return _error_of_route(request, errors.INVALID_ARGUMENT, message, 400)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, errors.INVALID_ARGUMENT)
        response = error_response(code, str(error.detail), error.status_code)
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(_allowed_methods(app, request.scope))
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        get_logger().error("request_failed", path=request.url.path, exc_info=error)
        return error_response(errors.INTERNAL, "unexpected error; see the log of ui_gateway")


def _error_of_route(request: Request, code: int, message: str, status: int) -> Response:
    """An error in the format of the requested route: uploads have their own."""
    if request.method == "POST" and request.url.path.startswith(UPLOADS):
        return upload_error(status, message)
    return error_response(code, message, status)


def _allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    """The methods of the routes that match a path."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**scope, "method": method})[0] is Match.FULL
            for route in app.router.routes
        )
    ]

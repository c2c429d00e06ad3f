"""``/apis``: KFP's API as an application of its own, with its own errors and its own document."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.logging import get_logger
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace_ui_gateway.kfp.artifacts import SEVERAL, kfp_native_refusals, kfp_native_router
from headrace_ui_gateway.kfp.experiments import kfp_experiment_router
from headrace_ui_gateway.kfp.http import Parts, refusal
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.node_files import kfp_node_router
from headrace_ui_gateway.kfp.pipelines import kfp_pipeline_router, kfp_version_router
from headrace_ui_gateway.kfp.recurring_runs import kfp_recurring_router
from headrace_ui_gateway.kfp.runs import kfp_run_router
from headrace_ui_gateway.kfp.service import kfp_meaningless_router, kfp_service_router
from headrace_ui_gateway.kfp.uploads import kfp_upload_router, upload_error
from headrace_ui_gateway.upstream.client import Backend, Runs

PREFIX = "/apis"
UPLOADS = f"{PREFIX}/v2beta1/pipelines/upload"
_AROUND = 64 * 1024
"""What a form may add to the file in it."""
_CODES = {
    401: kfp.UNAUTHENTICATED,
    403: kfp.PERMISSION_DENIED,
    404: kfp.NOT_FOUND,
    405: kfp.UNIMPLEMENTED,
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ABOUT = """The API of Kubeflow Pipelines, for its unmodified clients.

Names of fields may be sent in snake_case or camelCase; a field that is not known is refused. What
is empty is left out of answers."""


def mount_kfp(
    app: FastAPI, api: Backend, recorder: Backend, runs: Runs, max_bytes: int, *, multi_user: bool
) -> None:
    """Serve KFP's API below `PREFIX`; `max_bytes` is how large an uploaded package may be."""
    app.mount(PREFIX, kfp_app(api, recorder, runs, max_bytes, multi_user=multi_user))

    # A mount does not see a path with a line's end in it.
    @app.api_route(f"{PREFIX}/{{path:kfp_any}}", methods=[*_METHODS], include_in_schema=False)
    async def not_found() -> Response:
        return refusal(kfp.NOT_FOUND, "Not Found")


def kfp_app(
    api: Backend, recorder: Backend, runs: Runs, max_bytes: int, *, multi_user: bool
) -> FastAPI:
    """The application below `PREFIX`."""
    parts = Parts(api, recorder, multi_user)
    app = _Application(
        title="Kubeflow Pipelines API, by Headrace",
        version="2",
        description=_ABOUT,
        openapi_url="/v2beta1/openapi.json",
        docs_url=None,
        redoc_url=None,
        root_path_in_servers=False,
        redirect_slashes=False,
        dependencies=[Depends(_given_once)],
    )
    app.add_middleware(_Limit, limit=max_bytes + _AROUND)
    _install_errors(app)
    app.include_router(kfp_service_router(parts))
    app.include_router(kfp_upload_router(parts))
    app.include_router(kfp_pipeline_router(parts))
    app.include_router(kfp_version_router(parts))
    app.include_router(kfp_experiment_router(parts))
    app.include_router(kfp_run_router(parts, runs))
    app.include_router(kfp_node_router(parts, runs))
    app.include_router(kfp_recurring_router(parts))
    app.include_router(kfp_native_router(parts))
    app.include_router(kfp_native_refusals())
    app.include_router(kfp_meaningless_router())
    return app


def _given_once(request: Request) -> None:
    """Refuse a query parameter that is given several times and has one value."""
    query = request.query_params
    for name in query:
        if name not in SEVERAL and len(query.getlist(name)) > 1:
            raise kfp.invalid(f"{name} is given several times", name)


class _Application(FastAPI):
    """Its document names whole paths, and no error that the routes do not give."""

    def openapi(self) -> dict[str, Any]:
        """The document."""
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


class _Limit:
    """Refuses a body that is larger than anything that could be meant, as soon as it is known."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = HTTPException(413, f"the request is larger than {self._limit // 1024**2} MiB")
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        announced_bytes = int(announced) if announced.isdigit() else 0
        received = 0

        async def counted() -> Message:
            nonlocal received
            if announced_bytes > self._limit:
                raise too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise too_large
            return message

        await self._app(scope, counted, send)


def _install_errors(app: FastAPI) -> None:
    """Every error has the shape that KFP's client reads."""

    @app.exception_handler(RejectedError)
    async def rejected(request: Request, error: RejectedError) -> Response:
        rejection = error.rejection
        code, status = kfp.status(rejection)["code"], kfp.http_status(rejection)
        return _told(request, code, rejection.message, status)

    @app.exception_handler(kfp.KfpError)
    async def refused(_: Request, error: kfp.KfpError) -> Response:
        return refusal(error.code, error.message)

    @app.exception_handler(RetryableError)
    async def unavailable(_: Request, error: RetryableError) -> Response:
        get_logger().warning("request_unavailable", error=repr(error))
        response = refusal(kfp.UNAVAILABLE, "a part of the system is away; try again")
        response.headers["Retry-After"] = "1"
        return response

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        fault = str(first["msg"]).removeprefix("Value error, ")
        message = f"{place}: {fault}" if place else fault
        return _told(request, kfp.INVALID_ARGUMENT, message, 400)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, kfp.INVALID_ARGUMENT)
        response = refusal(code, str(error.detail), error.status_code)
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(_methods(app, request.scope))
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        get_logger().error("request_failed", path=request.url.path, exc_info=error)
        return refusal(kfp.INTERNAL, "an unexpected error; it is in the service's log")


def _told(request: Request, code: int, message: str, status: int) -> Response:
    """An error in the shape of the route that was asked."""
    if request.method == "POST" and request.url.path.startswith(UPLOADS):
        return upload_error(status, message)
    return refusal(code, message, status)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """What can be done with a path."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**scope, "method": method})[0] is Match.FULL
            for route in app.router.routes
        )
    ]

"""The route class and routers of ``/api/v1``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import problem
from starlette.types import Receive, Scope, Send

from headrace_ui_gateway.rest.http.errors import (
    ProblemError,
    first_validation_error,
    malformed,
    modified,
)

PREFIX = "/api/v1"


class StrictRoute(APIRoute):
    """A route that rejects unknown query parameters, and answers every refusal as a problem."""

    allowed: Sequence[str] = ()
    """The methods of all routes with this path."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the checks around it."""
        handler = super().get_route_handler()
        known = set(_query_names(self.dependant))

        async def handle(request: Request) -> Response:
            try:
                _check_parameters(request, known)
                return await handler(request)
            except RequestValidationError as error:
                rejection = first_validation_error(error.errors(), 1).rejection
                return problem(400, rejection.code, rejection.message, rejection.field)
            except RejectedError as error:
                if error.rejection.field != "If-Match":
                    raise
                return modified().response()
            except ProblemError as error:
                return error.response()

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to this path; a 405 if it has another method."""
        own = self.methods or ()
        if scope["method"] in own:
            await super().handle(scope, receive, send)
            return
        allow = ", ".join(self.allowed or sorted(own))
        detail = f"{scope['method']} is not allowed on this path; allowed: {allow}"
        response = problem(405, "METHOD_NOT_ALLOWED", detail)
        response.headers["Allow"] = allow
        await response(scope, receive, send)


def new_router(tag: str, prefix: str = PREFIX) -> APIRouter:
    """A router for one kind of resource."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=StrictRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def set_allowed_methods(routes: Iterable[StrictRoute]) -> None:
    """Set on each route the methods of all routes with its path."""
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[_path_shape(route)] |= route.methods or set()
    for route in routes:
        route.allowed = sorted(methods[_path_shape(route)])


def _path_shape(route: StrictRoute) -> str:
    return re.sub(r"\{\w+\}", "{}", route.path)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _check_parameters(request: Request, known: set[str]) -> None:
    for name, value in request.query_params.multi_items():
        if name not in known:
            supported = f"supported: {', '.join(sorted(known))}" if known else "none is supported"
            raise malformed(f"unknown query parameter {name!r}; {supported}", name)
        if "\0" in value:
            raise malformed(f"{name} contains a NUL character", name)
    for name, value in request.path_params.items():
        if "\0" in str(value):
            raise malformed(f"{name} contains a NUL character", name)

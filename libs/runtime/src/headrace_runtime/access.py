"""How a service behind the gateway knows that it is the gateway who asks, and on whose behalf."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from headrace_contracts.access import HEADER, Access, Role
from headrace_contracts.failures import RejectionCode
from starlette.middleware.base import RequestResponseEndpoint

from headrace_runtime.errors import RejectedError
from headrace_runtime.http import HEALTH_PATHS, problem


def install_access(app: FastAPI, service_token: str) -> None:
    """Let only those in who hold the deployment's service token; health and metrics are open."""
    expected = f"Bearer {service_token}".encode()

    @app.middleware("http")
    async def authenticate(request: Request, call_next: RequestResponseEndpoint) -> Response:
        given = request.headers.get("authorization", "").encode()
        if request.url.path not in HEALTH_PATHS and not hmac.compare_digest(given, expected):
            return problem(401, RejectionCode.UNAUTHENTICATED, "this service serves the gateway")
        return await call_next(request)


def _access(request: Request) -> Access:
    """The access of the caller for whom the gateway asks; without one, he may do nothing."""
    try:
        return Access.from_header(request.headers.get(HEADER, "{}"))
    except (ValueError, RecursionError):
        raise RejectedError.because(
            RejectionCode.MALFORMED, f"the header {HEADER} is not an access"
        ) from None


Caller = Annotated[Access, Depends(_access)]
"""A route's parameter: what its caller may do."""


def require(caller: Access, role: Role, namespace: str) -> None:
    """Refuse a caller who may not do what a role may in a namespace.

    Raises:
        RejectedError: NOT_FOUND where he sees nothing of the namespace, else FORBIDDEN.
    """
    if caller.may(role, namespace):
        return
    if not caller.may(Role.VIEWER, namespace):
        raise RejectedError.because(
            RejectionCode.NOT_FOUND, f"there is no namespace {namespace!r}", "namespace"
        )
    raise RejectedError.because(
        RejectionCode.FORBIDDEN, f"this needs the role {role} in namespace {namespace!r}"
    )


def listed_namespace(caller: Access, given: str | None) -> str | None:
    """The one namespace that a list is of; None, of all, is for who sees everything.

    Raises:
        RejectedError: the caller does not see it, or has to say which one he means.
    """
    if given:
        require(caller, Role.VIEWER, given)
        return given
    if caller.visible is None:
        return None
    if len(caller.visible) == 1:
        return caller.visible[0]
    raise RejectedError.because(
        RejectionCode.MALFORMED, "namespace has to be given: you do not see every one", "namespace"
    )

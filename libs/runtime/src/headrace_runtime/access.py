"""Authenticates the gateway to the services behind it, and reads what the caller may do."""

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
    """Reject requests without the deployment's service token, except for health and metrics."""
    expected = f"Bearer {service_token}".encode()

    @app.middleware("http")
    async def authenticate(request: Request, call_next: RequestResponseEndpoint) -> Response:
        given = request.headers.get("authorization", "").encode()
        if request.url.path not in HEALTH_PATHS and not hmac.compare_digest(given, expected):
            return problem(
                401, RejectionCode.UNAUTHENTICATED, "only the gateway may call this service"
            )
        return await call_next(request)


def _access(request: Request) -> Access:
    """The access of the caller on whose behalf the gateway calls; without the header, none."""
    try:
        return Access.from_header(request.headers.get(HEADER, "{}"))
    except (ValueError, RecursionError):
        raise RejectedError.because(
            RejectionCode.MALFORMED, f"header {HEADER} must be a JSON object of roles by namespace"
        ) from None


Caller = Annotated[Access, Depends(_access)]
"""The route parameter that holds what the caller may do."""


def require_role(caller: Access, role: Role, namespace: str) -> None:
    """Check that the caller has a role in a namespace.

    Raises:
        RejectedError: NOT_FOUND if the caller cannot see the namespace, else FORBIDDEN.
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
    """The namespace to list; None is all of them, for callers who see every namespace.

    Raises:
        RejectedError: the caller does not see the namespace, or sees several and named none.
    """
    if given:
        require_role(caller, Role.VIEWER, given)
        return given
    if caller.visible is None:
        return None
    if len(caller.visible) == 1:
        return caller.visible[0]
    raise RejectedError.because(
        RejectionCode.MALFORMED,
        "namespace is required: you do not have access to all namespaces",
        "namespace",
    )

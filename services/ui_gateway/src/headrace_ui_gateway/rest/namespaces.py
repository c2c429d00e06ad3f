"""``/api/v1``: information about the deployment, and limits of its namespaces."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from headrace_contracts.access import NAMESPACE
from headrace_contracts.resources import NamespaceLimits

from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.rest.description.document import ETAG, PRECONDITION
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.parameters import MAX_PAGE_SIZE, IfMatch, IfNoneMatch
from headrace_ui_gateway.rest.http.responses import check_if_match, resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import Info, LimitChange
from headrace_ui_gateway.upstream.client import ServiceClient

_Namespace = Annotated[str, Path(pattern=NAMESPACE)]


def namespaces_router(api: ServiceClient, max_package_bytes: int) -> APIRouter:
    """The routes of namespaces."""
    router = new_router("namespaces")
    own_version = version("headrace-ui-gateway")

    @router.get("/info")
    async def get_info() -> Info:
        """Read the deployment's version and the caller's roles."""
        return Info(
            version=own_version,
            apis=("/api/v1", "/apis/v2beta1"),
            roles=dict(ACCESS.get().roles),
            max_package_bytes=max_package_bytes,
            max_page_size=MAX_PAGE_SIZE,
        )

    @router.get("/namespaces/{namespace}/limits", response_model=NamespaceLimits, responses=ETAG)
    async def get_limits(namespace: _Namespace, if_none_match: IfNoneMatch = None) -> Response:
        """Read a namespace's limits."""
        return resource_response(await limits(namespace), if_none_match)

    @router.put(
        "/namespaces/{namespace}/limits", response_model=NamespaceLimits, responses=PRECONDITION
    )
    async def set_limits(
        namespace: _Namespace,
        change: Annotated[LimitChange, Depends(JsonBody(LimitChange))],
        if_match: IfMatch = None,
    ) -> Response:
        """Set a namespace's limits. Requires the role admin."""
        if if_match is not None:
            check_if_match(if_match, await limits(namespace))
        path = f"/namespaces/{namespace}/limits"
        return resource_response(
            await api.change(NamespaceLimits, "PUT", path, change.model_dump())
        )

    async def limits(namespace: str) -> NamespaceLimits:
        return await api.get(NamespaceLimits, f"/namespaces/{namespace}/limits")

    return router

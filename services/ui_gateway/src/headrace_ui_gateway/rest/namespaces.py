"""``/api/v1``: what this deployment is, and what is set for its namespaces."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from headrace_contracts.access import NAMESPACE
from headrace_contracts.resources import NamespaceLimits

from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.rest.description.document import ETAG, PRECONDITION
from headrace_ui_gateway.rest.http.requests import (
    MAX_PAGE_SIZE,
    IfMatch,
    IfNoneMatch,
    JsonBody,
    answered,
    check_unchanged,
    new_router,
)
from headrace_ui_gateway.rest.models import Info, LimitChange
from headrace_ui_gateway.upstream.client import Backend

_Namespace = Annotated[str, Path(pattern=NAMESPACE)]


def namespaces_router(api: Backend, max_package_bytes: int) -> APIRouter:
    """The routes over the api."""
    router = new_router("namespaces")
    shipped = version("headrace-ui-gateway")

    @router.get("/info")
    async def get_info() -> Info:
        """Tell what this deployment is, and what the caller may do in it."""
        return Info(
            version=shipped,
            apis=("/api/v1", "/apis/v2beta1"),
            roles=dict(ACCESS.get().roles),
            max_package_bytes=max_package_bytes,
            max_page_size=MAX_PAGE_SIZE,
        )

    @router.get("/namespaces/{namespace}/limits", response_model=NamespaceLimits, responses=ETAG)
    async def get_limits(namespace: _Namespace, if_none_match: IfNoneMatch = None) -> Response:
        """Read a namespace's limits."""
        return answered(await limits(namespace), if_none_match)

    @router.put(
        "/namespaces/{namespace}/limits", response_model=NamespaceLimits, responses=PRECONDITION
    )
    async def set_limits(
        namespace: _Namespace,
        change: Annotated[LimitChange, Depends(JsonBody(LimitChange))],
        if_match: IfMatch = None,
    ) -> Response:
        """Set a namespace's limits; for admins of it."""
        if if_match is not None:
            check_unchanged(if_match, await limits(namespace))
        path = f"/namespaces/{namespace}/limits"
        return answered(await api.change(NamespaceLimits, "PUT", path, change.model_dump()))

    async def limits(namespace: str) -> NamespaceLimits:
        return await api.get(NamespaceLimits, f"/namespaces/{namespace}/limits")

    return router

"""Routes of limits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path
from headrace_contracts.access import NAMESPACE
from headrace_contracts.resources import NamespaceLimits
from headrace_runtime.access import Caller

from headrace_api.limits.service import Limits

Namespace = Annotated[str, Path(pattern=NAMESPACE)]
Limit = Annotated[int | None, Body(embed=True, ge=1, le=1_000_000)]


def limits_router(limits: Limits) -> APIRouter:
    """The routes below ``/namespaces``."""
    router = APIRouter(prefix="/namespaces")

    @router.get("/{namespace}/limits")
    async def get_limits(caller: Caller, namespace: Namespace) -> NamespaceLimits:
        return await limits.get(caller, namespace)

    @router.put("/{namespace}/limits")
    async def set_limits(
        caller: Caller, namespace: Namespace, max_active_runs: Limit
    ) -> NamespaceLimits:
        return await limits.set(caller, namespace, max_active_runs)

    return router

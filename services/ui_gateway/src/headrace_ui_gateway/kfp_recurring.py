"""``/apis/v2beta1/recurringruns``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from headrace_contracts.recurring import RecurringRun, RecurringRunPage

from headrace_ui_gateway.backends import Backend
from headrace_ui_gateway.core import kfp
from headrace_ui_gateway.core.kfp_recurring import definition, recurring_run
from headrace_ui_gateway.kfp_requests import json_body, list_query, page_of, query

_BEHIND = "/recurring-runs"


def kfp_recurring_router(prefix: str, api: Backend) -> APIRouter:
    """The routes; every error has the shape that KFP's client reads."""
    router = APIRouter(prefix=f"{prefix}/recurringruns")

    @router.post("")
    async def create(request: Request) -> dict[str, Any]:
        wanted = definition(await json_body(request))
        return recurring_run(await api.send(RecurringRun, _BEHIND, wanted.to_json()))

    @router.get("")
    async def list_recurring(request: Request) -> dict[str, Any]:
        more = {
            "name": kfp.name_filter(query(request, "filter")),
            "experiment_id": query(request, "experiment_id") or None,
        }
        page = await api.get(RecurringRunPage, _BEHIND, **list_query(request, more))
        return page_of("recurringRuns", [recurring_run(r) for r in page.recurring_runs], page)

    @router.get("/{identity}")
    async def get(identity: UUID) -> dict[str, Any]:
        return recurring_run(await api.get(RecurringRun, f"{_BEHIND}/{identity}"))

    @router.post("/{identity}:enable")
    async def enable(identity: UUID) -> dict[str, Any]:
        await api.call("POST", f"{_BEHIND}/{identity}/enable")
        return {}

    @router.post("/{identity}:disable")
    async def disable(identity: UUID) -> dict[str, Any]:
        await api.call("POST", f"{_BEHIND}/{identity}/disable")
        return {}

    @router.delete("/{identity}")
    async def delete(identity: UUID) -> dict[str, Any]:
        await api.call("DELETE", f"{_BEHIND}/{identity}")
        return {}

    return router

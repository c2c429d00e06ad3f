"""``/api/v1/recurring-runs``."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from headrace_contracts.recurring import (
    Moments,
    RecurringRun,
    RecurringRunDefinition,
    RecurringRunPage,
)

from headrace_ui_gateway.backends import Backend

_BEHIND = "/recurring-runs"


def own_recurring_router(api: Backend) -> APIRouter:
    """The routes over the api."""
    router = APIRouter(prefix="/api/v1/recurring-runs")

    @router.post("", status_code=201)
    async def create(definition: RecurringRunDefinition) -> RecurringRun:
        return await api.send(RecurringRun, _BEHIND, definition.to_json())

    @router.get("")
    async def list_recurring(
        experiment_id: UUID | None = None,
        name: str | None = None,
        page_size: Annotated[int, Query(ge=0, le=200)] = 20,
        page_token: str = "",
        namespace: str = "default",
    ) -> RecurringRunPage:
        return await api.get(
            RecurringRunPage,
            _BEHIND,
            namespace=namespace,
            experiment_id=experiment_id,
            name=name,
            page_size=page_size,
            page_token=page_token or None,
        )

    @router.get("/{identity}")
    async def get(identity: UUID) -> RecurringRun:
        return await api.get(RecurringRun, f"{_BEHIND}/{identity}")

    @router.patch("/{identity}")
    async def edit(identity: UUID, changes: Annotated[dict[str, Any], Body()]) -> RecurringRun:
        answer = await api.call("PATCH", f"{_BEHIND}/{identity}", json=changes)
        return RecurringRun.model_validate_json(answer.content)

    @router.post("/{identity}/enable")
    async def enable(identity: UUID) -> RecurringRun:
        answer = await api.call("POST", f"{_BEHIND}/{identity}/enable")
        return RecurringRun.model_validate_json(answer.content)

    @router.post("/{identity}/disable")
    async def disable(identity: UUID) -> RecurringRun:
        answer = await api.call("POST", f"{_BEHIND}/{identity}/disable")
        return RecurringRun.model_validate_json(answer.content)

    @router.delete("/{identity}")
    async def delete(identity: UUID) -> dict[str, Any]:
        await api.call("DELETE", f"{_BEHIND}/{identity}")
        return {}

    @router.get("/{identity}/next")
    async def moments(identity: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5) -> Moments:
        return await api.get(Moments, f"{_BEHIND}/{identity}/next", count=count)

    return router

"""Routes of recurring runs."""

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
from headrace_runtime.pg.database import Database

from headrace_api import recurring_store
from headrace_api.answers import PageSize, after, size
from headrace_api.core.recurrences import shown
from headrace_api.recurring import RecurringRuns


def recurring_router(database: Database, recurring: RecurringRuns) -> APIRouter:
    """The routes over the api's parts."""
    router = APIRouter(prefix="/recurring-runs")

    @router.post("", status_code=201)
    async def create(definition: RecurringRunDefinition) -> RecurringRun:
        return shown(await recurring.create(definition))

    @router.get("")
    async def list_recurring(
        namespace: str | None = None,
        experiment_id: UUID | None = None,
        name: str | None = None,
        page_size: PageSize = 0,
        page_token: str = "",
    ) -> RecurringRunPage:
        async with database.read() as connection:
            return await recurring_store.page(
                connection, namespace, experiment_id, name, after(page_token), size(page_size)
            )

    @router.get("/{identity}")
    async def get(identity: UUID) -> RecurringRun:
        return shown(await recurring.get(identity))

    @router.patch("/{identity}")
    async def edit(identity: UUID, changes: Annotated[dict[str, Any], Body()]) -> RecurringRun:
        return shown(await recurring.edit(identity, changes))

    @router.post("/{identity}/enable")
    async def enable(identity: UUID) -> RecurringRun:
        return shown(await recurring.switch(identity, True))

    @router.post("/{identity}/disable")
    async def disable(identity: UUID) -> RecurringRun:
        return shown(await recurring.switch(identity, False))

    @router.delete("/{identity}")
    async def delete(identity: UUID) -> dict[str, Any]:
        await recurring.delete(identity)
        return {}

    @router.get("/{identity}/next")
    async def moments(identity: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5) -> Moments:
        return Moments(moments=await recurring.moments(identity, count))

    return router

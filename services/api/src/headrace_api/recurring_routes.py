"""Routes of recurring runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from headrace_contracts.recurring import (
    Moments,
    RecurringRun,
    RecurringRunDefinition,
    RecurringRunPage,
)
from headrace_runtime.access import Caller
from headrace_runtime.lists.page import Listing
from headrace_runtime.pg.database import Database

from headrace_api import recurring_store
from headrace_api.answers import AskedPage, IfMatch, OptionalText
from headrace_api.core.recurrences import shown
from headrace_api.once import IdempotencyKey, RequestKey, tell_repeat
from headrace_api.recurring import RecurringRuns


def recurring_router(
    database: Database, recurring: RecurringRuns, recurring_runs: Listing
) -> APIRouter:
    """The routes over the api's parts."""
    router = APIRouter(prefix="/recurring-runs")

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        response: Response,
        definition: RecurringRunDefinition,
        idempotency_key: IdempotencyKey = None,
    ) -> RecurringRun:
        key = RequestKey.of(idempotency_key, definition.model_dump(mode="json"))
        made = await recurring.create(caller, definition, key)
        tell_repeat(response, key)
        return shown(made)

    @router.get("")
    async def list_recurring(
        asked: AskedPage, experiment_id: UUID | None = None, name: OptionalText = None
    ) -> RecurringRunPage:
        experiment = None if experiment_id is None else str(experiment_id)
        where = {"experiment_id": experiment, "display_name": name}
        page = recurring_runs.page(replace(asked, where=where))
        async with database.read() as connection:
            return await recurring_store.page(connection, page)

    @router.get("/{identity}")
    async def get(caller: Caller, identity: UUID) -> RecurringRun:
        return shown(await recurring.get(caller, identity))

    @router.patch("/{identity}")
    async def edit(
        caller: Caller,
        identity: UUID,
        changes: Annotated[dict[str, Any], Body()],
        if_match: IfMatch = None,
    ) -> RecurringRun:
        return shown(await recurring.edit(caller, identity, changes, if_match))

    @router.post("/{identity}/enable")
    async def enable(caller: Caller, identity: UUID) -> RecurringRun:
        return shown(await recurring.switch(caller, identity, True))

    @router.post("/{identity}/disable")
    async def disable(caller: Caller, identity: UUID) -> RecurringRun:
        return shown(await recurring.switch(caller, identity, False))

    @router.delete("/{identity}")
    async def delete(caller: Caller, identity: UUID) -> dict[str, Any]:
        await recurring.delete(caller, identity)
        return {}

    @router.get("/{identity}/next")
    async def moments(
        caller: Caller, identity: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5
    ) -> Moments:
        return Moments(moments=await recurring.moments(caller, identity, count))

    return router

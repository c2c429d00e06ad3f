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
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.http.idempotency import IdempotencyKey, IdempotentRequest, creation_response
from headrace_api.http.parameters import IfMatch, NamespacePageParameters, OptionalText
from headrace_api.recurring.lists import recurring_run_list
from headrace_api.recurring.rules.recurring_run import resource
from headrace_api.recurring.service import RecurringRuns


def recurring_run_router(recurring_runs: RecurringRuns, signer: TokenSigner) -> APIRouter:
    """The routes below ``/recurring-runs``."""
    router = APIRouter(prefix="/recurring-runs")
    list_definition = recurring_run_list(signer)

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        response: Response,
        definition: RecurringRunDefinition,
        idempotency_key: IdempotencyKey = None,
    ) -> RecurringRun:
        request = IdempotentRequest.of(idempotency_key, definition.model_dump(mode="json"))
        created = await recurring_runs.create(caller, definition, request)
        return resource(creation_response(response, created))

    @router.get("")
    async def list_recurring_runs(
        request: NamespacePageParameters,
        experiment_id: UUID | None = None,
        name: OptionalText = None,
    ) -> RecurringRunPage:
        experiment = None if experiment_id is None else str(experiment_id)
        where = {"experiment_id": experiment, "display_name": name}
        page = list_definition.page(replace(request, where=where))
        return await recurring_runs.page(page)

    @router.get("/{identity}")
    async def get(caller: Caller, identity: UUID) -> RecurringRun:
        return resource(await recurring_runs.get(caller, identity))

    @router.patch("/{identity}")
    async def change(
        caller: Caller,
        identity: UUID,
        changes: Annotated[dict[str, Any], Body()],
        if_match: IfMatch = None,
    ) -> RecurringRun:
        return resource(await recurring_runs.change(caller, identity, changes, if_match))

    @router.post("/{identity}/enable")
    async def enable(caller: Caller, identity: UUID) -> RecurringRun:
        return resource(await recurring_runs.set_enabled(caller, identity, True))

    @router.post("/{identity}/disable")
    async def disable(caller: Caller, identity: UUID) -> RecurringRun:
        return resource(await recurring_runs.set_enabled(caller, identity, False))

    @router.delete("/{identity}")
    async def delete(caller: Caller, identity: UUID) -> dict[str, Any]:
        await recurring_runs.delete(caller, identity)
        return {}

    @router.get("/{identity}/next")
    async def next_slots(
        caller: Caller, identity: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5
    ) -> Moments:
        return Moments(moments=await recurring_runs.next_slots(caller, identity, count))

    return router

"""``/api/v1/recurring-runs``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from headrace_contracts.recurring import (
    Moments,
    RecurringRun,
    RecurringRunDefinition,
    RecurringRunPage,
)

from headrace_ui_gateway.rest.description.document import (
    CONFLICT,
    ETAG,
    IDEMPOTENCY_KEY,
    PRECONDITION,
)
from headrace_ui_gateway.rest.http.requests import (
    IfMatch,
    IfNoneMatch,
    JsonBody,
    Listing,
    answered,
    narrowed,
    new_router,
)
from headrace_ui_gateway.rest.models import Done, RecurringRunChanges
from headrace_ui_gateway.upstream.client import Backend

_BEHIND = "/recurring-runs"


def recurring_router(api: Backend) -> APIRouter:
    """The routes over the api."""
    router = new_router("recurring runs")

    @router.post(
        "/recurring-runs",
        status_code=201,
        response_model=RecurringRun,
        responses={200: {}, **CONFLICT},
    )
    async def create_recurring_run(
        definition: Annotated[RecurringRunDefinition, Depends(JsonBody(RecurringRunDefinition))],
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Make a recurring run. Names may repeat: let a repeat be known by an
        `Idempotency-Key`."""
        made, status = await api.make(RecurringRun, _BEHIND, definition.to_json(), idempotency_key)
        return answered(made, status_code=status)

    @router.get("/recurring-runs")
    async def list_recurring_runs(
        listing: Listing, experiment_id: UUID | None = None, name: str | None = None
    ) -> RecurringRunPage:
        """List recurring runs, newest first. Fields of `filter` and `sort_by`: recurring_run_id,
        display_name, description, created_at, updated_at, experiment_id."""
        experiment = None if experiment_id is None else str(experiment_id)
        asked = narrowed(listing, experiment_id=experiment, display_name=name)
        return await api.get(RecurringRunPage, _BEHIND, **asked)

    @router.get("/recurring-runs/{recurring_run_id}", response_model=RecurringRun, responses=ETAG)
    async def get_recurring_run(
        recurring_run_id: UUID, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Read a recurring run."""
        return answered(await api.get(RecurringRun, f"{_BEHIND}/{recurring_run_id}"), if_none_match)

    @router.patch(
        "/recurring-runs/{recurring_run_id}",
        response_model=RecurringRun,
        responses={**CONFLICT, **PRECONDITION},
    )
    async def edit_recurring_run(
        recurring_run_id: UUID,
        changes: Annotated[RecurringRunChanges, Depends(JsonBody(RecurringRunChanges))],
        if_match: IfMatch = None,
    ) -> Response:
        """Change some fields of a recurring run in place."""
        path = f"{_BEHIND}/{recurring_run_id}"
        body = changes.model_dump(mode="json", exclude_unset=True)
        return answered(await api.change(RecurringRun, "PATCH", path, body, if_match))

    @router.post("/recurring-runs/{recurring_run_id}/enable", responses=CONFLICT)
    async def enable_recurring_run(recurring_run_id: UUID) -> RecurringRun:
        """Enable a recurring run. Slots that passed while it was disabled do not count."""
        return await api.change(RecurringRun, "POST", f"{_BEHIND}/{recurring_run_id}/enable")

    @router.post("/recurring-runs/{recurring_run_id}/disable")
    async def disable_recurring_run(recurring_run_id: UUID) -> RecurringRun:
        """Disable a recurring run; runs that it has submitted go on."""
        return await api.change(RecurringRun, "POST", f"{_BEHIND}/{recurring_run_id}/disable")

    @router.delete("/recurring-runs/{recurring_run_id}")
    async def delete_recurring_run(recurring_run_id: UUID) -> Done:
        """Delete a recurring run; its runs stay."""
        await api.call("DELETE", f"{_BEHIND}/{recurring_run_id}")
        return Done()

    @router.get("/recurring-runs/{recurring_run_id}/next")
    async def list_next_moments(
        recurring_run_id: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5
    ) -> Moments:
        """Tell the next slots of a recurring run."""
        return await api.get(Moments, f"{_BEHIND}/{recurring_run_id}/next", count=count)

    return router

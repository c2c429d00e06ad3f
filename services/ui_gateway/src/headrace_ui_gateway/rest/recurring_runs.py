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
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.parameters import IfMatch, IfNoneMatch, ListQuery, with_filters
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import Done, RecurringRunChanges
from headrace_ui_gateway.upstream.client import ServiceClient

_SERVICE_PATH = "/recurring-runs"


def recurring_runs_router(api: ServiceClient) -> APIRouter:
    """The routes of recurring runs."""
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
        """Create a recurring run. Names need not be unique: without an `Idempotency-Key`, a
        repeated request creates another one."""
        made, status = await api.post_idempotent(
            RecurringRun, _SERVICE_PATH, definition.to_json(), idempotency_key
        )
        return resource_response(made, status_code=status)

    @router.get("/recurring-runs")
    async def list_recurring_runs(
        query: ListQuery, experiment_id: UUID | None = None, name: str | None = None
    ) -> RecurringRunPage:
        """List recurring runs, newest first. Fields of `filter` and `sort_by`: recurring_run_id,
        display_name, description, created_at, updated_at, experiment_id."""
        experiment = None if experiment_id is None else str(experiment_id)
        params = with_filters(query, experiment_id=experiment, display_name=name)
        return await api.get(RecurringRunPage, _SERVICE_PATH, **params)

    @router.get("/recurring-runs/{recurring_run_id}", response_model=RecurringRun, responses=ETAG)
    async def get_recurring_run(
        recurring_run_id: UUID, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Read a recurring run."""
        return resource_response(
            await api.get(RecurringRun, f"{_SERVICE_PATH}/{recurring_run_id}"), if_none_match
        )

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
        """Change some fields of a recurring run."""
        path = f"{_SERVICE_PATH}/{recurring_run_id}"
        body = changes.model_dump(mode="json", exclude_unset=True)
        return resource_response(await api.change(RecurringRun, "PATCH", path, body, if_match))

    @router.post("/recurring-runs/{recurring_run_id}/enable", responses=CONFLICT)
    async def enable_recurring_run(recurring_run_id: UUID) -> RecurringRun:
        """Enable a recurring run. Scheduled times that passed while it was disabled are skipped."""
        return await api.change(RecurringRun, "POST", f"{_SERVICE_PATH}/{recurring_run_id}/enable")

    @router.post("/recurring-runs/{recurring_run_id}/disable")
    async def disable_recurring_run(recurring_run_id: UUID) -> RecurringRun:
        """Disable a recurring run. Runs that it has submitted continue."""
        return await api.change(RecurringRun, "POST", f"{_SERVICE_PATH}/{recurring_run_id}/disable")

    @router.delete("/recurring-runs/{recurring_run_id}")
    async def delete_recurring_run(recurring_run_id: UUID) -> Done:
        """Delete a recurring run; its runs stay."""
        await api.call("DELETE", f"{_SERVICE_PATH}/{recurring_run_id}")
        return Done()

    @router.get("/recurring-runs/{recurring_run_id}/next")
    async def list_next_moments(
        recurring_run_id: UUID, count: Annotated[int, Query(ge=1, le=100)] = 5
    ) -> Moments:
        """List the next scheduled times of a recurring run."""
        return await api.get(Moments, f"{_SERVICE_PATH}/{recurring_run_id}/next", count=count)

    return router

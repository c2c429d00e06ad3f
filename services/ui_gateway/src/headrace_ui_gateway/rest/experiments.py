"""``/api/v1/experiments``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from headrace_contracts.resources import Experiment, ExperimentPage

from headrace_ui_gateway.rest.description.document import CONFLICT, ETAG, IDEMPOTENCY_KEY
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.parameters import (
    IfNoneMatch,
    ListQuery,
    bool_param,
    with_filters,
)
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.models import Done, NewExperiment
from headrace_ui_gateway.upstream.client import ServiceClient


def experiments_router(api: ServiceClient) -> APIRouter:
    """The routes of experiments."""
    router = new_router("experiments")

    @router.post(
        "/experiments",
        status_code=201,
        response_model=Experiment,
        responses={200: {}, **CONFLICT},
    )
    async def create_experiment(
        request: Annotated[NewExperiment, Depends(JsonBody(NewExperiment))],
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Create an experiment. Its name must be unique in the namespace."""
        made, status = await api.post_idempotent(
            Experiment, "/experiments", request.to_json(), idempotency_key
        )
        return resource_response(made, status_code=status)

    @router.get("/experiments")
    async def list_experiments(query: ListQuery, archived: bool | None = None) -> ExperimentPage:
        """List experiments, newest first. Fields of `filter` and `sort_by`: experiment_id,
        display_name, description, created_at, last_run_created_at, archived."""
        params = with_filters(query, archived=bool_param(archived))
        return await api.get(ExperimentPage, "/experiments", **params)

    @router.get("/experiments/{experiment_id}", response_model=Experiment, responses=ETAG)
    async def get_experiment(experiment_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read an experiment."""
        found = await api.get(Experiment, f"/experiments/{experiment_id}")
        return resource_response(found, if_none_match)

    @router.delete("/experiments/{experiment_id}", responses=CONFLICT)
    async def delete_experiment(experiment_id: UUID) -> Done:
        """Delete an experiment; its runs stay."""
        await api.call("DELETE", f"/experiments/{experiment_id}")
        return Done()

    @router.post("/experiments/{experiment_id}/archive", responses=CONFLICT)
    async def archive_experiment(experiment_id: UUID) -> Done:
        """Archive an experiment with its runs, and disable its recurring runs."""
        await api.call("POST", f"/experiments/{experiment_id}/archive", long=True)
        return Done()

    @router.post("/experiments/{experiment_id}/unarchive", responses=CONFLICT)
    async def unarchive_experiment(experiment_id: UUID) -> Done:
        """Restore an archived experiment; its runs stay archived."""
        await api.call("POST", f"/experiments/{experiment_id}/unarchive")
        return Done()

    return router

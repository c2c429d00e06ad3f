"""``/api/v1/experiments``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from headrace_contracts.resources import Experiment, ExperimentPage

from headrace_ui_gateway.rest.description.document import CONFLICT, ETAG, IDEMPOTENCY_KEY
from headrace_ui_gateway.rest.http.requests import (
    IfNoneMatch,
    JsonBody,
    Listing,
    answered,
    flag,
    narrowed,
    new_router,
)
from headrace_ui_gateway.rest.models import Done, NewExperiment
from headrace_ui_gateway.upstream.client import Backend


def experiments_router(api: Backend) -> APIRouter:
    """The routes over the api."""
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
        """Make an experiment. Its name is its own in the namespace."""
        made, status = await api.make(
            Experiment, "/experiments", request.to_json(), idempotency_key
        )
        return answered(made, status_code=status)

    @router.get("/experiments")
    async def list_experiments(listing: Listing, archived: bool | None = None) -> ExperimentPage:
        """List experiments, newest first. Fields of `filter` and `sort_by`: experiment_id,
        display_name, description, created_at, last_run_created_at, archived."""
        asked = narrowed(listing, archived=flag(archived))
        return await api.get(ExperimentPage, "/experiments", **asked)

    @router.get("/experiments/{experiment_id}", response_model=Experiment, responses=ETAG)
    async def get_experiment(experiment_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read an experiment."""
        found = await api.get(Experiment, f"/experiments/{experiment_id}")
        return answered(found, if_none_match)

    @router.delete("/experiments/{experiment_id}", responses=CONFLICT)
    async def delete_experiment(experiment_id: UUID) -> Done:
        """Delete an experiment; its runs stay."""
        await api.call("DELETE", f"/experiments/{experiment_id}")
        return Done()

    @router.post("/experiments/{experiment_id}/archive", responses=CONFLICT)
    async def archive_experiment(experiment_id: UUID) -> Done:
        """Archive an experiment with its runs, and disable its recurring runs."""
        await api.call("POST", f"/experiments/{experiment_id}/archive")
        return Done()

    @router.post("/experiments/{experiment_id}/unarchive", responses=CONFLICT)
    async def unarchive_experiment(experiment_id: UUID) -> Done:
        """Bring an experiment back into sight; its runs stay archived."""
        await api.call("POST", f"/experiments/{experiment_id}/unarchive")
        return Done()

    return router

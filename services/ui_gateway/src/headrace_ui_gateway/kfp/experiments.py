"""``/apis/v2beta1/experiments``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from headrace_contracts.resources import Experiment, ExperimentPage

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    STORABLE,
    Paged,
    Parts,
    Text,
    answer,
    conflicts_as,
)
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.messages.resources import (
    Empty,
    V2beta1Experiment,
    V2beta1ListExperimentsResponse,
)
from headrace_ui_gateway.kfp.translate.lists import EXPERIMENTS
from headrace_ui_gateway.kfp.translate.resources import experiment, experiments


def kfp_experiment_router(parts: Parts) -> APIRouter:
    """The routes of experiments."""
    router = APIRouter(prefix="/v2beta1/experiments", tags=["Experiments"], responses=ERRORS)
    api, multi_user = parts.api, parts.multi_user

    @router.get(
        "",
        operation_id="ExperimentService_ListExperiments",
        response_model=V2beta1ListExperimentsResponse,
    )
    async def list_experiments(paging: Paged, namespace: Text = "") -> Response:
        parameters = parts.asked(EXPERIMENTS, paging, namespace)
        page = await api.get(ExperimentPage, "/experiments", **parameters)
        return answer(experiments(page, multi_user=multi_user))

    @router.post(
        "", operation_id="ExperimentService_CreateExperiment", response_model=V2beta1Experiment
    )
    async def create(body: Annotated[V2beta1Experiment, STORABLE, Body()]) -> Response:
        if not body.display_name:
            raise kfp.invalid("display_name is empty", "display_name")
        content = {
            "display_name": body.display_name,
            "description": body.description,
            "namespace": parts.home(body.namespace),
        }
        made = await api.call("POST", "/experiments", json=content)
        found = Experiment.model_validate_json(made.content)
        return answer(experiment(found, multi_user=multi_user))

    @router.get(
        "/{experiment_id:kfp_id}",
        operation_id="ExperimentService_GetExperiment",
        response_model=V2beta1Experiment,
    )
    async def get(experiment_id: str) -> Response:
        found = await api.get(Experiment, _path(experiment_id))
        return answer(experiment(found, multi_user=multi_user))

    @router.delete(
        "/{experiment_id:kfp_id}",
        operation_id="ExperimentService_DeleteExperiment",
        response_model=Empty,
    )
    async def delete(experiment_id: str) -> Response:
        """Its runs stay."""
        async with conflicts_as(kfp.ABORTED):
            await api.call("DELETE", _path(experiment_id))
        return answer(Empty())

    @router.post(
        "/{experiment_id:kfp_id}:archive",
        operation_id="ExperimentService_ArchiveExperiment",
        response_model=Empty,
    )
    async def archive(experiment_id: str) -> Response:
        """Its runs are archived and its recurring runs disabled."""
        await api.call("POST", f"{_path(experiment_id)}/archive")
        return answer(Empty())

    @router.post(
        "/{experiment_id:kfp_id}:unarchive",
        operation_id="ExperimentService_UnarchiveExperiment",
        response_model=Empty,
    )
    async def unarchive(experiment_id: str) -> Response:
        """The experiment alone: its runs stay archived."""
        await api.call("POST", f"{_path(experiment_id)}/unarchive")
        return answer(Empty())

    return router


def _path(experiment_id: str) -> str:
    return f"/experiments/{kfp.identity(experiment_id, 'experiment')}"

"""``/apis/v2beta1/experiments``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from headrace_contracts.resources import Experiment, ExperimentPage

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    STORABLE,
    KfpContext,
    Paged,
    Text,
    conflicts_as,
    message_response,
)
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import (
    Empty,
    V2beta1Experiment,
    V2beta1ListExperimentsResponse,
)
from headrace_ui_gateway.kfp.translate.lists import EXPERIMENTS
from headrace_ui_gateway.kfp.translate.resources import experiment, experiments


def experiment_router(context: KfpContext) -> APIRouter:
    """The routes of experiments."""
    router = APIRouter(prefix="/v2beta1/experiments", tags=["Experiments"], responses=ERRORS)
    api, multi_user = context.api, context.multi_user

    @router.get(
        "",
        operation_id="ExperimentService_ListExperiments",
        response_model=V2beta1ListExperimentsResponse,
    )
    async def list_experiments(paging: Paged, namespace: Text = "") -> Response:
        parameters = context.list_params(EXPERIMENTS, paging, namespace)
        page = await api.get(ExperimentPage, "/experiments", **parameters)
        return message_response(experiments(page, multi_user=multi_user))

    @router.post(
        "", operation_id="ExperimentService_CreateExperiment", response_model=V2beta1Experiment
    )
    async def create(body: Annotated[V2beta1Experiment, STORABLE, Body()]) -> Response:
        if not body.display_name:
            raise errors.invalid("display_name is required", "display_name")
        content = {
            "display_name": body.display_name,
            "description": body.description,
            "namespace": context.namespace_to_create_in(body.namespace),
        }
        made = await api.call("POST", "/experiments", json=content)
        found = Experiment.model_validate_json(made.content)
        return message_response(experiment(found, multi_user=multi_user))

    @router.get(
        "/{experiment_id:kfp_id}",
        operation_id="ExperimentService_GetExperiment",
        response_model=V2beta1Experiment,
    )
    async def get(experiment_id: str) -> Response:
        found = await api.get(Experiment, _path(experiment_id))
        return message_response(experiment(found, multi_user=multi_user))

    @router.delete(
        "/{experiment_id:kfp_id}",
        operation_id="ExperimentService_DeleteExperiment",
        response_model=Empty,
    )
    async def delete(experiment_id: str) -> Response:
        """Delete an experiment. Its runs stay."""
        async with conflicts_as(errors.ABORTED):
            await api.call("DELETE", _path(experiment_id))
        return message_response(Empty())

    @router.post(
        "/{experiment_id:kfp_id}:archive",
        operation_id="ExperimentService_ArchiveExperiment",
        response_model=Empty,
    )
    async def archive(experiment_id: str) -> Response:
        """Archive an experiment and its runs, and disable its recurring runs."""
        await api.call("POST", f"{_path(experiment_id)}/archive", long=True)
        return message_response(Empty())

    @router.post(
        "/{experiment_id:kfp_id}:unarchive",
        operation_id="ExperimentService_UnarchiveExperiment",
        response_model=Empty,
    )
    async def unarchive(experiment_id: str) -> Response:
        """Restore an archived experiment. Its runs stay archived."""
        await api.call("POST", f"{_path(experiment_id)}/unarchive")
        return message_response(Empty())

    return router


def _path(experiment_id: str) -> str:
    return f"/experiments/{errors.parse_id(experiment_id, 'experiment')}"

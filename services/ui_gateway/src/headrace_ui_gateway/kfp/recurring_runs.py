"""``/apis/v2beta1/recurringruns``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from headrace_contracts.recurring import RecurringRun, RecurringRunPage

from headrace_ui_gateway.kfp.http import ERRORS, STORABLE, KfpContext, Paged, Text, message_response
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import (
    DeletePropagationPolicy,
    Empty,
    V2beta1ListRecurringRunsResponse,
    V2beta1RecurringRun,
)
from headrace_ui_gateway.kfp.messages.wire import ByNumber
from headrace_ui_gateway.kfp.translate.lists import RECURRING_RUNS
from headrace_ui_gateway.kfp.translate.recurring_runs import (
    definition,
    recurring_run,
    recurring_runs,
)

_SERVICE_PATH = "/recurring-runs"


def recurring_run_router(context: KfpContext) -> APIRouter:
    """The routes of recurring runs."""
    router = APIRouter(prefix="/v2beta1/recurringruns", tags=["Recurring runs"], responses=ERRORS)
    api, multi_user = context.api, context.multi_user

    @router.post(
        "",
        operation_id="RecurringRunService_CreateRecurringRun",
        response_model=V2beta1RecurringRun,
    )
    async def create(body: Annotated[V2beta1RecurringRun, STORABLE, Body()]) -> Response:
        namespace = await context.namespace_of_experiment(body.experiment_id, body.namespace)
        wanted = definition(body, namespace).to_json()
        made = await api.post(RecurringRun, _SERVICE_PATH, wanted)
        return message_response(recurring_run(made, multi_user=multi_user))

    @router.get(
        "",
        operation_id="RecurringRunService_ListRecurringRuns",
        response_model=V2beta1ListRecurringRunsResponse,
    )
    async def list_recurring(
        paging: Paged, namespace: Text = "", experiment_id: Text = ""
    ) -> Response:
        parameters = await context.list_params_of_experiment(
            RECURRING_RUNS, paging, namespace, experiment_id
        )
        page = await api.get(RecurringRunPage, _SERVICE_PATH, **parameters)
        return message_response(recurring_runs(page, multi_user=multi_user))

    @router.get(
        "/{recurring_run_id:kfp_id}",
        operation_id="RecurringRunService_GetRecurringRun",
        response_model=V2beta1RecurringRun,
    )
    async def get(recurring_run_id: str) -> Response:
        found = await api.get(RecurringRun, _path(recurring_run_id))
        return message_response(recurring_run(found, multi_user=multi_user))

    @router.post(
        "/{recurring_run_id:kfp_id}:enable",
        operation_id="RecurringRunService_EnableRecurringRun",
        response_model=Empty,
    )
    async def enable(recurring_run_id: str) -> Response:
        await api.call("POST", f"{_path(recurring_run_id)}/enable")
        return message_response(Empty())

    @router.post(
        "/{recurring_run_id:kfp_id}:disable",
        operation_id="RecurringRunService_DisableRecurringRun",
        response_model=Empty,
    )
    async def disable(recurring_run_id: str) -> Response:
        await api.call("POST", f"{_path(recurring_run_id)}/disable")
        return message_response(Empty())

    @router.delete(
        "/{recurring_run_id:kfp_id}",
        operation_id="RecurringRunService_DeleteRecurringRun",
        response_model=Empty,
    )
    async def delete(
        recurring_run_id: str,
        propagation_policy: Annotated[
            Annotated[DeletePropagationPolicy, ByNumber()], Query()
        ] = DeletePropagationPolicy.DELETE_PROPAGATION_POLICY_UNSPECIFIED,
    ) -> Response:
        """Delete a recurring run. Its runs stay, whatever the policy."""
        await api.call("DELETE", _path(recurring_run_id))
        return message_response(Empty())

    return router


def _path(recurring_run_id: str) -> str:
    return f"{_SERVICE_PATH}/{errors.parse_id(recurring_run_id, 'recurring run')}"

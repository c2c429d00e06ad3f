"""``/apis/v2beta1/recurringruns``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from headrace_contracts.recurring import RecurringRun, RecurringRunPage

from headrace_ui_gateway.kfp.http import ERRORS, STORABLE, Paged, Parts, Text, answer
from headrace_ui_gateway.kfp.messages import errors as kfp
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

_BEHIND = "/recurring-runs"


def kfp_recurring_router(parts: Parts) -> APIRouter:
    """The routes of recurring runs."""
    router = APIRouter(prefix="/v2beta1/recurringruns", tags=["Recurring runs"], responses=ERRORS)
    api, multi_user = parts.api, parts.multi_user

    @router.post(
        "",
        operation_id="RecurringRunService_CreateRecurringRun",
        response_model=V2beta1RecurringRun,
    )
    async def create(body: Annotated[V2beta1RecurringRun, STORABLE, Body()]) -> Response:
        namespace = await parts.home_of(body.experiment_id, body.namespace)
        wanted = definition(body, namespace).to_json()
        made = await api.send(RecurringRun, _BEHIND, wanted)
        return answer(recurring_run(made, multi_user=multi_user))

    @router.get(
        "",
        operation_id="RecurringRunService_ListRecurringRuns",
        response_model=V2beta1ListRecurringRunsResponse,
    )
    async def list_recurring(
        paging: Paged, namespace: Text = "", experiment_id: Text = ""
    ) -> Response:
        parameters = await parts.asked_of(RECURRING_RUNS, paging, namespace, experiment_id)
        page = await api.get(RecurringRunPage, _BEHIND, **parameters)
        return answer(recurring_runs(page, multi_user=multi_user))

    @router.get(
        "/{recurring_run_id:kfp_id}",
        operation_id="RecurringRunService_GetRecurringRun",
        response_model=V2beta1RecurringRun,
    )
    async def get(recurring_run_id: str) -> Response:
        found = await api.get(RecurringRun, _path(recurring_run_id))
        return answer(recurring_run(found, multi_user=multi_user))

    @router.post(
        "/{recurring_run_id:kfp_id}:enable",
        operation_id="RecurringRunService_EnableRecurringRun",
        response_model=Empty,
    )
    async def enable(recurring_run_id: str) -> Response:
        await api.call("POST", f"{_path(recurring_run_id)}/enable")
        return answer(Empty())

    @router.post(
        "/{recurring_run_id:kfp_id}:disable",
        operation_id="RecurringRunService_DisableRecurringRun",
        response_model=Empty,
    )
    async def disable(recurring_run_id: str) -> Response:
        await api.call("POST", f"{_path(recurring_run_id)}/disable")
        return answer(Empty())

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
        """Its runs stay, whatever the policy says."""
        await api.call("DELETE", _path(recurring_run_id))
        return answer(Empty())

    return router


def _path(recurring_run_id: str) -> str:
    return f"{_BEHIND}/{kfp.identity(recurring_run_id, 'recurring run')}"

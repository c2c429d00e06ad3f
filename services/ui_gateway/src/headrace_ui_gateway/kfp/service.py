"""Health, what the caller may do, and the routes of KFP's API that have no meaning here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from headrace_contracts.access import Role
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.kfp.http import ERRORS, NOT_HERE, Parts, Text, answer, refusal
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.messages.resources import (
    AuthorizeResources,
    AuthorizeVerb,
    Empty,
    GetHealthzResponse,
)
from headrace_ui_gateway.kfp.messages.wire import ByNumber

_NEEDED = {
    AuthorizeVerb.GET: Role.VIEWER,
    AuthorizeVerb.CREATE: Role.EDITOR,
    AuthorizeVerb.DELETE: Role.EDITOR,
}
_REPORTS = (
    "there are no Argo workflows here whose state an agent would report: runs are recorded from "
    "the events of the services that run them"
)
_VISUALIZATIONS = (
    "visualizations would run code of the caller's next to the server; a step can write HTML or "
    "Markdown artifacts instead"
)
_FILTERS = (
    "a filter is a text in the query of a list; this path only documents its form in KFP's client"
)


def kfp_service_router(parts: Parts) -> APIRouter:
    """Health, and what the caller may do."""
    router = APIRouter(tags=["Service"], responses=ERRORS)

    @router.get(
        "/v2beta1/healthz",
        operation_id="HealthzService_GetHealthz",
        response_model=GetHealthzResponse,
    )
    @router.get(
        "/v1beta1/healthz",
        operation_id="HealthzServiceV1_GetHealthz",
        response_model=GetHealthzResponse,
    )
    async def healthz() -> Response:
        return answer(GetHealthzResponse(multi_user=parts.multi_user, pipeline_store="database"))

    @router.get("/v2beta1/auth", operation_id="AuthService_Authorize", response_model=Empty)
    async def authorize(
        namespace: Text = "",
        resources: Annotated[
            Annotated[AuthorizeResources, ByNumber()], Query()
        ] = AuthorizeResources.UNASSIGNED_RESOURCES,
        verb: Annotated[
            Annotated[AuthorizeVerb, ByNumber()], Query()
        ] = AuthorizeVerb.UNASSIGNED_VERB,
    ) -> Response:
        """Whether the caller may do something with viewers in a namespace: an empty answer, or
        a refusal. To see them needs the role viewer, else editor."""
        if resources is AuthorizeResources.UNASSIGNED_RESOURCES:
            raise kfp.invalid("resources has to be given", "resources")
        if verb is AuthorizeVerb.UNASSIGNED_VERB:
            raise kfp.invalid("verb has to be given", "verb")
        if not namespace and parts.multi_user:
            raise kfp.invalid("namespace has to be given", "namespace")
        if not parts.may(_NEEDED[verb], namespace):
            raise RejectedError.because(
                RejectionCode.FORBIDDEN, f"this needs the role {_NEEDED[verb]}", "namespace"
            )
        return answer(Empty())

    return router


def kfp_meaningless_router() -> APIRouter:
    """What has no meaning here, each with the reason."""
    router = APIRouter(prefix="/v2beta1", tags=["Without meaning here"], responses=NOT_HERE)

    @router.post("/workflows", operation_id="ReportService_ReportWorkflow", status_code=501)
    @router.post(
        "/scheduledworkflows",
        operation_id="ReportService_ReportScheduledWorkflow",
        status_code=501,
    )
    async def report() -> Response:
        """There are no Argo workflows here."""
        return refusal(kfp.UNIMPLEMENTED, _REPORTS)

    @router.post(
        "/visualizations/{namespace}",
        operation_id="VisualizationService_CreateVisualizationV1",
        status_code=501,
    )
    async def visualize(namespace: str) -> Response:
        """Code of the caller's does not run next to the server."""
        return refusal(kfp.UNIMPLEMENTED, _VISUALIZATIONS)

    @router.get("/filters", operation_id="DummyFilterService_GetFilter", status_code=501)
    async def get_filter() -> Response:
        """Only documents the form of a filter."""
        return refusal(kfp.UNIMPLEMENTED, _FILTERS)

    return router

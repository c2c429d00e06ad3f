"""Health, authorization, and the routes of KFP's API that Headrace does not support."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from headrace_contracts.access import Role
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    NOT_SUPPORTED,
    KfpContext,
    Text,
    error_response,
    message_response,
)
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import (
    AuthorizeResources,
    AuthorizeVerb,
    Empty,
    GetHealthzResponse,
)
from headrace_ui_gateway.kfp.messages.wire import ByNumber

_REQUIRED_ROLE = {
    AuthorizeVerb.GET: Role.VIEWER,
    AuthorizeVerb.CREATE: Role.EDITOR,
    AuthorizeVerb.DELETE: Role.EDITOR,
}
_REPORTS = (
    "not supported: Headrace has no Argo workflows; runs are recorded from the events of its "
    "services"
)
_VISUALIZATIONS = (
    "not supported: it would run the caller's code in the server; write an HTML or Markdown "
    "artifact in a step instead"
)
_FILTERS = (
    "not supported: pass a filter as the query parameter of a list; KFP's client has this path "
    "only to document the filter's shape"
)


def service_router(context: KfpContext) -> APIRouter:
    """Health and authorization."""
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
        return message_response(
            GetHealthzResponse(multi_user=context.multi_user, pipeline_store="database")
        )

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
        """Check whether the caller may get, create or delete viewers in a namespace. The answer is
        empty if so, else an error. GET requires the role viewer, the other verbs editor."""
        if resources is AuthorizeResources.UNASSIGNED_RESOURCES:
            raise errors.invalid("resources is required", "resources")
        if verb is AuthorizeVerb.UNASSIGNED_VERB:
            raise errors.invalid("verb is required", "verb")
        if not namespace and context.multi_user:
            raise errors.invalid("namespace is required", "namespace")
        if not context.may(_REQUIRED_ROLE[verb], namespace):
            message = f"requires the role {_REQUIRED_ROLE[verb]} in namespace {namespace!r}"
            raise RejectedError.because(RejectionCode.FORBIDDEN, message, "namespace")
        return message_response(Empty())

    return router


def unsupported_router() -> APIRouter:
    """Routes that answer 501 with the reason."""
    router = APIRouter(prefix="/v2beta1", tags=["Not supported"], responses=NOT_SUPPORTED)

    @router.post("/workflows", operation_id="ReportService_ReportWorkflow", status_code=501)
    @router.post(
        "/scheduledworkflows",
        operation_id="ReportService_ReportScheduledWorkflow",
        status_code=501,
    )
    async def report() -> Response:
        """Not supported: Headrace has no Argo workflows."""
        return error_response(errors.UNIMPLEMENTED, _REPORTS)

    @router.post(
        "/visualizations/{namespace}",
        operation_id="VisualizationService_CreateVisualizationV1",
        status_code=501,
    )
    async def visualize(namespace: str) -> Response:
        """Not supported: the server does not run the caller's code."""
        return error_response(errors.UNIMPLEMENTED, _VISUALIZATIONS)

    @router.get("/filters", operation_id="DummyFilterService_GetFilter", status_code=501)
    async def get_filter() -> Response:
        """Not supported: KFP has this path only to document the shape of a filter."""
        return error_response(errors.UNIMPLEMENTED, _FILTERS)

    return router

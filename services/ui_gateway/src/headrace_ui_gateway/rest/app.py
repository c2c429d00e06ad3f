"""The routes of ``/api/v1`` together, and their OpenAPI document."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from headrace_ui_gateway.rest.artifacts import artifacts_router
from headrace_ui_gateway.rest.description.document import document
from headrace_ui_gateway.rest.experiments import experiments_router
from headrace_ui_gateway.rest.http.routes import PREFIX, StrictRoute, set_allowed_methods
from headrace_ui_gateway.rest.logs import logs_router
from headrace_ui_gateway.rest.namespaces import namespaces_router
from headrace_ui_gateway.rest.pipelines import pipelines_router
from headrace_ui_gateway.rest.recurring_runs import recurring_runs_router
from headrace_ui_gateway.rest.runs import runs_router
from headrace_ui_gateway.rest.tasks import tasks_router
from headrace_ui_gateway.rest.visualizations import visualizations_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.services import Services


def rest_router(services: Services, settings: Settings, session: APIRouter) -> APIRouter:
    """All routes of the API; `session` has those about the caller."""
    api, recorder = services.api, services.recorder
    routers = (
        session,
        runs_router(services, settings),
        tasks_router(services, settings),
        logs_router(recorder, services.announcements),
        artifacts_router(recorder),
        visualizations_router(recorder, services.runs),
        experiments_router(api),
        pipelines_router(api, settings.max_package_bytes),
        recurring_runs_router(api),
        namespaces_router(api, settings.max_package_bytes),
    )
    router = APIRouter()
    for one in routers:
        router.include_router(one)
    routes = [route for one in routers for route in one.routes if isinstance(route, StrictRoute)]
    set_allowed_methods(routes)

    @cache
    def description() -> dict[str, Any]:
        return document(routes, version("headrace-ui-gateway"))

    @router.get(f"{PREFIX}/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return description()

    return router

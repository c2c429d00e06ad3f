"""``/api/v1``: our own API, resource by resource, and its description."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from headrace_ui_gateway.rest.artifacts import artifacts_router
from headrace_ui_gateway.rest.description.document import document
from headrace_ui_gateway.rest.experiments import experiments_router
from headrace_ui_gateway.rest.http.requests import PREFIX, OwnRoute
from headrace_ui_gateway.rest.logs import logs_router
from headrace_ui_gateway.rest.namespaces import namespaces_router
from headrace_ui_gateway.rest.pipelines import pipelines_router
from headrace_ui_gateway.rest.recurring_runs import recurring_router
from headrace_ui_gateway.rest.runs import runs_router
from headrace_ui_gateway.rest.tasks import tasks_router
from headrace_ui_gateway.rest.visualizations import visualizations_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.live import Live


def own_router(
    api: Backend,
    recorder: Backend,
    runs: Runs,
    live: Live,
    settings: Settings,
    access: APIRouter,
) -> APIRouter:
    """The routes over the services behind the gateway, and those of `access`, about the caller
    himself."""
    parts = (
        access,
        runs_router(api, recorder, runs, live, settings),
        tasks_router(recorder, runs, live, settings),
        logs_router(recorder, live),
        artifacts_router(recorder),
        visualizations_router(recorder, runs),
        experiments_router(api),
        pipelines_router(api, settings.max_package_bytes),
        recurring_router(api),
        namespaces_router(api, settings.max_package_bytes),
    )
    router = APIRouter()
    for part in parts:
        router.include_router(part)
    routes = [route for part in parts for route in part.routes if isinstance(route, OwnRoute)]
    _tell_methods(routes)

    @cache
    def description() -> dict[str, Any]:
        return document(routes, version("headrace-ui-gateway"))

    @router.get(f"{PREFIX}/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return description()

    return router


def _tell_methods(routes: Iterable[OwnRoute]) -> None:
    """Tell each route all methods of its path, for the answer to a wrong one."""
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[_shape(route)] |= route.methods or set()
    for route in routes:
        route.allowed = sorted(methods[_shape(route)])


def _shape(route: OwnRoute) -> str:
    return re.sub(r"\{\w+\}", "{}", route.path)

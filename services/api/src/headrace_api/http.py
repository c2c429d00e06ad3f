"""The api's HTTP side, for the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, FastAPI, Path
from headrace_contracts.access import NAMESPACE, Role
from headrace_contracts.resources import NamespaceLimits
from headrace_runtime.access import Caller, require
from headrace_runtime.http import install_problems
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_api import store
from headrace_api.experiment_routes import experiment_router
from headrace_api.experiments import Experiments
from headrace_api.lists import Lists
from headrace_api.pipeline_routes import pipeline_router
from headrace_api.pipelines import Pipelines
from headrace_api.recurring import RecurringRuns
from headrace_api.recurring_routes import recurring_router
from headrace_api.run_routes import run_router
from headrace_api.submissions import Submissions

Limit = Body(embed=True, ge=1, le=1_000_000)
Namespace = Annotated[str, Path(pattern=NAMESPACE)]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes are over."""

    database: Database
    objects: ObjectStore
    submissions: Submissions
    recurring: RecurringRuns
    experiments: Experiments
    pipelines: Pipelines
    lists: Lists


def http_app(parts: Parts, max_package_bytes: int) -> FastAPI:
    """The routes over the api's parts."""
    app = FastAPI(title="Headrace api", openapi_url=None)
    install_problems(app)
    database, lists = parts.database, parts.lists
    app.include_router(run_router(database, parts.objects, parts.submissions))
    app.include_router(recurring_router(database, parts.recurring, lists.recurring_runs))
    app.include_router(experiment_router(database, parts.experiments, lists.experiments))
    app.include_router(pipeline_router(database, parts.pipelines, lists, max_package_bytes))
    app.include_router(_limits_router(database))
    return app


def _limits_router(database: Database) -> APIRouter:
    router = APIRouter(prefix="/namespaces")

    @router.get("/{namespace}/limits")
    async def get_limits(caller: Caller, namespace: Namespace) -> NamespaceLimits:
        require(caller, Role.VIEWER, namespace)
        async with database.read() as connection:
            limits = await store.limits(connection, None, namespace)
        return NamespaceLimits(namespace=namespace, max_active_runs=limits.namespace)

    @router.put("/{namespace}/limits")
    async def set_limits(
        caller: Caller, namespace: Namespace, max_active_runs: Annotated[int | None, Limit]
    ) -> NamespaceLimits:
        require(caller, Role.ADMIN, namespace)

        async def work(unit: Unit) -> None:
            await store.set_namespace_limit(unit.connection, namespace, max_active_runs)

        await database.transact(work)
        return NamespaceLimits(namespace=namespace, max_active_runs=max_active_runs)

    return router

"""The api's HTTP side, for the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Body, FastAPI, Path, Query, Request
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import (
    Experiment,
    ExperimentPage,
    NamespaceLimits,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
)
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import install_problems
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_api import store
from headrace_api.answers import PageSize, after, found, size
from headrace_api.core.packages import documents_of
from headrace_api.core.requests import checked_document
from headrace_api.recurring import RecurringRuns
from headrace_api.recurring_routes import recurring_router
from headrace_api.run_routes import run_router
from headrace_api.submissions import Submissions

Limit = Body(embed=True, ge=1, le=1_000_000)
Namespace = Annotated[str, Path(min_length=1, max_length=63)]


def http_app(
    database: Database,
    objects: ObjectStore,
    submissions: Submissions,
    recurring: RecurringRuns,
    max_bytes: int,
) -> FastAPI:
    """The routes over the api's parts."""
    app = FastAPI(title="Headrace api", openapi_url=None)
    install_problems(app)
    app.include_router(run_router(database, objects, submissions))
    app.include_router(recurring_router(database, recurring))

    @app.get("/experiments")
    async def list_experiments(
        namespace: str | None = None,
        name: str | None = None,
        page_size: PageSize = 0,
        page_token: str = "",
    ) -> ExperimentPage:
        async with database.read() as connection:
            return await store.experiments(
                connection, namespace, name, after(page_token), size(page_size)
            )

    @app.post("/experiments", status_code=201)
    async def create_experiment(
        display_name: Annotated[str, Body(min_length=1, max_length=128)],
        namespace: Annotated[str, Body()] = "default",
        description: Annotated[str, Body()] = "",
    ) -> Experiment:
        async def work(unit: Unit) -> Experiment | None:
            return await store.create_experiment(
                unit.connection, namespace, display_name, description, datetime.now(UTC)
            )

        made = await database.transact(work)
        if made is None:
            raise RejectedError.because(
                RejectionCode.CONFLICT,
                f"there is an experiment {display_name!r} already",
                "display_name",
            )
        return made

    @app.get("/experiments/{experiment_id}")
    async def get_experiment(experiment_id: UUID) -> Experiment:
        async with database.read() as connection:
            known = await store.experiment_by_id(connection, experiment_id)
        return found(known, f"there is no experiment {experiment_id}")

    @app.post("/pipelines", status_code=201)
    async def create_pipeline(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=128)],
        namespace: str = "default",
        display_name: str = "",
        description: str = "",
    ) -> Pipeline:
        document = checked_document(documents_of(await _body(request, max_bytes)))
        now = datetime.now(UTC)

        async def work(unit: Unit) -> Pipeline | None:
            made = await store.create_pipeline(
                unit.connection, namespace, name, display_name or name, description, now
            )
            if made is not None:
                await store.create_version(
                    unit.connection, made.pipeline_id, name, name, description, document, now
                )
            return made

        made = await database.transact(work)
        if made is None:
            raise RejectedError.because(
                RejectionCode.CONFLICT, f"there is a pipeline {name!r} already", "name"
            )
        return made

    @app.post("/pipelines/{pipeline_id}/versions", status_code=201)
    async def create_version(
        pipeline_id: UUID,
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=127)],
        display_name: str = "",
        description: str = "",
    ) -> PipelineVersion:
        document = checked_document(documents_of(await _body(request, max_bytes)))
        await get_pipeline(pipeline_id)

        async def work(unit: Unit) -> PipelineVersion | None:
            return await store.create_version(
                unit.connection,
                pipeline_id,
                name,
                display_name or name,
                description,
                document,
                datetime.now(UTC),
            )

        made = await database.transact(work)
        if made is None:
            raise RejectedError.because(
                RejectionCode.CONFLICT, f"the pipeline has a version {name!r} already", "name"
            )
        return made

    @app.get("/pipelines")
    async def list_pipelines(
        namespace: str | None = None,
        name: str | None = None,
        page_size: PageSize = 0,
        page_token: str = "",
    ) -> PipelinePage:
        async with database.read() as connection:
            return await store.pipelines(
                connection, namespace, name, after(page_token), size(page_size)
            )

    @app.get("/pipelines/{pipeline_id}")
    async def get_pipeline(pipeline_id: UUID) -> Pipeline:
        async with database.read() as connection:
            known = await store.pipeline_by_id(connection, pipeline_id)
        return found(known, f"there is no pipeline {pipeline_id}")

    @app.patch("/pipelines/{pipeline_id}")
    async def change_pipeline(
        pipeline_id: UUID, max_active_runs: Annotated[int | None, Limit]
    ) -> Pipeline:
        async def work(unit: Unit) -> Pipeline | None:
            return await store.set_pipeline_limit(unit.connection, pipeline_id, max_active_runs)

        return found(await database.transact(work), f"there is no pipeline {pipeline_id}")

    @app.get("/namespaces/{namespace}/limits")
    async def get_limits(namespace: Namespace) -> NamespaceLimits:
        async with database.read() as connection:
            limits = await store.limits(connection, None, namespace)
        return NamespaceLimits(namespace=namespace, max_active_runs=limits.namespace)

    @app.put("/namespaces/{namespace}/limits")
    async def set_limits(
        namespace: Namespace, max_active_runs: Annotated[int | None, Limit]
    ) -> NamespaceLimits:
        async def work(unit: Unit) -> None:
            await store.set_namespace_limit(unit.connection, namespace, max_active_runs)

        await database.transact(work)
        return NamespaceLimits(namespace=namespace, max_active_runs=max_active_runs)

    @app.get("/pipelines/{pipeline_id}/versions")
    async def list_versions(
        pipeline_id: UUID, page_size: PageSize = 0, page_token: str = ""
    ) -> PipelineVersionPage:
        await get_pipeline(pipeline_id)
        async with database.read() as connection:
            return await store.versions(connection, pipeline_id, after(page_token), size(page_size))

    @app.get("/pipelines/{pipeline_id}/versions/{version_id}")
    async def get_version(pipeline_id: UUID, version_id: UUID) -> PipelineVersion:
        async with database.read() as connection:
            known = await store.version_by_id(connection, pipeline_id, version_id)
        return found(known, f"there is no pipeline version {version_id}")

    return app


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE, f"the package is larger than {limit // 1024**2} MiB"
            )
    return bytes(body)

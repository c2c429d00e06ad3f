"""The api's HTTP side, for the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Body, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from headrace_contracts.commands import SubmitRun
from headrace_contracts.events import RunCancelRequested, RunSubmitted
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.resources import (
    Experiment,
    ExperimentPage,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    SubmittedRun,
)
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import install_problems, problem
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_api import store
from headrace_api.core.packages import documents_of
from headrace_api.core.requests import checked_document
from headrace_api.submissions import Accepted, Submissions

T = TypeVar("T")
PageSize = Annotated[int, Query(ge=0)]
_DEFAULT_PAGE, _LARGEST_PAGE = 20, 200


def http_app(
    database: Database, objects: ObjectStore, submissions: Submissions, max_bytes: int
) -> FastAPI:
    """The routes over the api's parts."""
    app = FastAPI(title="Headrace api", openapi_url=None)
    install_problems(app)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or None
        return problem(400, RejectionCode.MALFORMED, f"{place}: {first['msg']}", place)

    @app.post("/runs", status_code=201)
    async def submit(
        request: SubmitRun,
        response: Response,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> SubmittedRun:
        if idempotency_key is not None:
            request = request.model_copy(update={"idempotency_key": idempotency_key})
        accepted = await submissions.submit(request)
        response.status_code = 200 if accepted.duplicate else 201
        return _submitted(accepted)

    @app.get("/runs/{run_id}")
    async def get_run(run_id: UUID) -> SubmittedRun:
        return _submitted(Accepted(await _run(run_id), False))

    @app.get("/runs/{run_id}/document")
    async def get_document(run_id: UUID) -> Response:
        run = await _run(run_id)
        return Response(await objects.get(run.spec.key), media_type="application/json")

    @app.post("/runs/{run_id}/cancel", status_code=202)
    async def cancel(run_id: UUID, reason: Annotated[str, Body(embed=True)] = "") -> dict[str, Any]:
        await _run(run_id)
        event = RunCancelRequested(run_id=run_id, reason=reason)

        async def work(unit: Unit) -> None:
            unit.publish(event, derived_event_id(event.type, run_id))

        await database.transact(work)
        return {}

    async def _run(run_id: UUID) -> RunSubmitted:
        async with database.read() as connection:
            found = await store.run_by_id(connection, run_id)
        return _found(found, f"there is no run {run_id}")

    @app.get("/experiments")
    async def list_experiments(
        namespace: str | None = None,
        name: str | None = None,
        page_size: PageSize = 0,
        page_token: str = "",
    ) -> ExperimentPage:
        async with database.read() as connection:
            return await store.experiments(
                connection, namespace, name, _after(page_token), _size(page_size)
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
            found = await store.experiment_by_id(connection, experiment_id)
        return _found(found, f"there is no experiment {experiment_id}")

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
                connection, namespace, name, _after(page_token), _size(page_size)
            )

    @app.get("/pipelines/{pipeline_id}")
    async def get_pipeline(pipeline_id: UUID) -> Pipeline:
        async with database.read() as connection:
            found = await store.pipeline_by_id(connection, pipeline_id)
        return _found(found, f"there is no pipeline {pipeline_id}")

    @app.get("/pipelines/{pipeline_id}/versions")
    async def list_versions(
        pipeline_id: UUID, page_size: PageSize = 0, page_token: str = ""
    ) -> PipelineVersionPage:
        await get_pipeline(pipeline_id)
        async with database.read() as connection:
            return await store.versions(
                connection, pipeline_id, _after(page_token), _size(page_size)
            )

    @app.get("/pipelines/{pipeline_id}/versions/{version_id}")
    async def get_version(pipeline_id: UUID, version_id: UUID) -> PipelineVersion:
        async with database.read() as connection:
            found = await store.version_by_id(connection, pipeline_id, version_id)
        return _found(found, f"there is no pipeline version {version_id}")

    return app


def _submitted(accepted: Accepted) -> SubmittedRun:
    fields = accepted.submission.model_dump(exclude={"type", "v", "spec"})
    return SubmittedRun(**fields, duplicate=accepted.duplicate)


def _found(value: T | None, message: str) -> T:
    if value is None:
        raise RejectedError.because(RejectionCode.NOT_FOUND, message)
    return value


def _size(page_size: int) -> int:
    return min(page_size or _DEFAULT_PAGE, _LARGEST_PAGE)


def _after(page_token: str) -> UUID | None:
    try:
        return UUID(page_token) if page_token else None
    except ValueError:
        raise RejectedError.because(
            RejectionCode.MALFORMED, "page_token is not one that a list gave", "page_token"
        ) from None


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

"""The api's slice of Postgres, as typed calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.events import RunSubmitted
from headrace_contracts.ids import new_id
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.resources import (
    Experiment,
    ExperimentPage,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
)
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_api")
AnyConnection = Connection | ReadConnection


async def create_experiment(
    connection: Connection, namespace: str, name: str, description: str, now: datetime
) -> Experiment | None:
    """A new experiment; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_experiment"], new_id(), namespace, name, description, now
    )
    return None if row is None else _experiment(row)


async def experiment_by_name(
    connection: AnyConnection, namespace: str, name: str
) -> Experiment | None:
    """The experiment of this name."""
    row = await connection.fetchrow(_QUERIES["experiment_by_name"], namespace, name)
    return None if row is None else _experiment(row)


async def experiment_by_id(connection: AnyConnection, identity: UUID) -> Experiment | None:
    """The experiment of this id."""
    row = await connection.fetchrow(_QUERIES["experiment_by_id"], identity)
    return None if row is None else _experiment(row)


async def experiments(
    connection: ReadConnection, namespace: str | None, name: str | None, after: UUID | None, n: int
) -> ExperimentPage:
    """A page of experiments after the one of id `after`."""
    rows = await connection.fetch(_QUERIES["experiments"], namespace, name, after, n + 1)
    token, total = _page(rows, n, "experiment_id")
    found = tuple(_experiment(row) for row in rows[:n])
    return ExperimentPage(experiments=found, next_page_token=token, total_size=total)


async def create_pipeline(
    connection: Connection,
    namespace: str,
    name: str,
    display_name: str,
    description: str,
    now: datetime,
) -> Pipeline | None:
    """A new pipeline; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_pipeline"], new_id(), namespace, name, display_name, description, now
    )
    return None if row is None else _pipeline(row)


async def pipeline_by_id(connection: AnyConnection, identity: UUID) -> Pipeline | None:
    """The pipeline of this id."""
    row = await connection.fetchrow(_QUERIES["pipeline_by_id"], identity)
    return None if row is None else _pipeline(row)


async def pipeline_by_name(connection: AnyConnection, namespace: str, name: str) -> Pipeline | None:
    """The pipeline of this name."""
    row = await connection.fetchrow(_QUERIES["pipeline_by_name"], namespace, name)
    return None if row is None else _pipeline(row)


async def pipelines(
    connection: ReadConnection, namespace: str | None, name: str | None, after: UUID | None, n: int
) -> PipelinePage:
    """A page of pipelines after the one of id `after`."""
    rows = await connection.fetch(_QUERIES["pipelines"], namespace, name, after, n + 1)
    token, total = _page(rows, n, "pipeline_id")
    found = tuple(_pipeline(row) for row in rows[:n])
    return PipelinePage(pipelines=found, next_page_token=token, total_size=total)


async def create_version(
    connection: Connection,
    pipeline_id: UUID,
    name: str,
    display_name: str,
    description: str,
    document: PipelineDocument,
    now: datetime,
) -> PipelineVersion | None:
    """A new version; None when the pipeline has one of this name."""
    content = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    row = await connection.fetchrow(
        _QUERIES["insert_version"],
        new_id(),
        pipeline_id,
        name,
        display_name,
        description,
        content,
        now,
    )
    return None if row is None else _version(row, with_document=True)


async def version_by_id(
    connection: AnyConnection, pipeline_id: UUID, identity: UUID
) -> PipelineVersion | None:
    """The version of this id."""
    row = await connection.fetchrow(_QUERIES["version_by_id"], pipeline_id, identity)
    return None if row is None else _version(row, with_document=True)


async def version_by_name(
    connection: AnyConnection, pipeline_id: UUID, name: str | None
) -> PipelineVersion | None:
    """The version of this name; without a name, the newest."""
    row = await connection.fetchrow(_QUERIES["version_by_name"], pipeline_id, name)
    return None if row is None else _version(row, with_document=True)


async def versions(
    connection: ReadConnection, pipeline_id: UUID, after: UUID | None, n: int
) -> PipelineVersionPage:
    """A page of a pipeline's versions after the one of id `after`."""
    rows = await connection.fetch(_QUERIES["versions"], pipeline_id, after, n + 1)
    token, total = _page(rows, n, "pipeline_version_id")
    found = tuple(_version(row, with_document=False) for row in rows[:n])
    return PipelineVersionPage(pipeline_versions=found, next_page_token=token, total_size=total)


async def spec_known(connection: ReadConnection, digest: str) -> bool:
    """Whether the object store has this spec."""
    return await connection.fetchrow(_QUERIES["spec_known"], digest) is not None


async def insert_run(
    connection: Connection,
    submission: RunSubmitted,
    idempotency_key: str | None,
    request_digest: str,
) -> bool:
    """Keep a run and remember its spec; False when its key is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_run"],
        submission.run_id,
        submission.namespace,
        submission,
        idempotency_key,
        request_digest,
    )
    await connection.execute(_QUERIES["insert_spec"], submission.spec.sha256, submission.spec.bytes)
    return row is not None


async def run_by_key(
    connection: AnyConnection, namespace: str, key: str
) -> tuple[RunSubmitted, str] | None:
    """The run that a key led to, and the digest of its request."""
    row = await connection.fetchrow(_QUERIES["run_by_key"], namespace, key)
    if row is None:
        return None
    return RunSubmitted.model_validate(row["submission"]), row["request_digest"]


async def run_by_id(connection: AnyConnection, run_id: UUID) -> RunSubmitted | None:
    """The run of this id."""
    row = await connection.fetchrow(_QUERIES["run_by_id"], run_id)
    return None if row is None else RunSubmitted.model_validate(row["submission"])


def _page(rows: list[Any], n: int, key: str) -> tuple[str | None, int]:
    total = rows[0]["total"] if rows else 0
    return (str(rows[n - 1][key]) if len(rows) > n else None), total


def _experiment(row: Any) -> Experiment:
    return Experiment.model_validate(dict(row))


def _pipeline(row: Any) -> Pipeline:
    return Pipeline.model_validate(dict(row))


def _version(row: Any, *, with_document: bool) -> PipelineVersion:
    version = PipelineVersion.model_validate(dict(row))
    return version if with_document else version.model_copy(update={"document": None})

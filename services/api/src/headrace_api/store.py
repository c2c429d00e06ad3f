"""The api's slice of Postgres, as typed calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.events import RunLimits, RunSubmitted
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
from headrace_contracts.states import RunState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_api")
AnyConnection = Connection | ReadConnection


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as the api knows it."""

    submission: RunSubmitted
    state: RunState
    """PENDING until the run was heard to have ended."""
    revision: int
    archived: bool


@dataclass(frozen=True, slots=True)
class HeardState:
    """What an event says of how a run stands."""

    run_id: UUID
    state: RunState
    revision: int
    ended_at: datetime | None


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
        submission.recurring_run_id,
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


async def run_by_id(
    connection: AnyConnection, run_id: UUID, *, lock: bool = False
) -> KnownRun | None:
    """The run of this id; with `lock` nobody else changes it before the transaction ends."""
    row = await connection.fetchrow(_QUERIES["lock_run" if lock else "run_by_id"], run_id)
    if row is None:
        return None
    return KnownRun(
        submission=RunSubmitted.model_validate(row["submission"]),
        state=RunState(row["state"]),
        revision=row["state_revision"],
        archived=row["archived_at"] is not None,
    )


async def set_run_states(connection: Connection, heard: Sequence[HeardState]) -> None:
    """Take what was heard of runs; what comes too late, or is of unknown runs, has no effect."""
    await connection.execute(
        _QUERIES["set_run_states"],
        [one.run_id for one in heard],
        [one.state for one in heard],
        [one.revision for one in heard],
        [one.ended_at for one in heard],
    )


async def set_archived(connection: Connection, run_id: UUID, at: datetime | None) -> None:
    """Put a run out of sight since `at`, or back into sight with None."""
    await connection.execute(_QUERIES["set_archived"], run_id, at)


async def delete_run(connection: Connection, run_id: UUID) -> None:
    """Forget a run."""
    await connection.execute(_QUERIES["delete_run"], run_id)


async def archive_ended(
    connection: Connection, before: datetime, now: datetime, n: int
) -> list[UUID]:
    """Put up to `n` runs out of sight that ended before a moment; returns them."""
    rows = await connection.fetch(_QUERIES["runs_to_archive"], before, n)
    found = [row["run_id"] for row in rows]
    await connection.execute(_QUERIES["archive_runs"], found, now)
    return found


async def delete_archived(connection: Connection, before: datetime, n: int) -> list[UUID]:
    """Forget up to `n` ended runs that were archived before a moment; returns them."""
    rows = await connection.fetch(_QUERIES["runs_to_delete"], before, n)
    found = [row["run_id"] for row in rows]
    await connection.execute(_QUERIES["delete_runs"], found)
    return found


async def limits(connection: AnyConnection, pipeline_id: UUID | None, namespace: str) -> RunLimits:
    """What is set for a pipeline and for a namespace."""
    row = await connection.fetchrow(_QUERIES["limits"], pipeline_id, namespace)
    assert row is not None
    return RunLimits(pipeline=row["pipeline"], namespace=row["namespace"])


async def set_pipeline_limit(
    connection: Connection, pipeline_id: UUID, max_active_runs: int | None
) -> Pipeline | None:
    """The changed pipeline; None when there is none of this id."""
    row = await connection.fetchrow(_QUERIES["set_pipeline_limit"], pipeline_id, max_active_runs)
    return None if row is None else _pipeline(row)


async def set_namespace_limit(
    connection: Connection, namespace: str, max_active_runs: int | None
) -> None:
    """Set or, with None, lift the limit of a namespace."""
    await connection.execute(_QUERIES["set_namespace_limit"], namespace, max_active_runs)


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

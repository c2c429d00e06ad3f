"""Runs and limits in Postgres, as typed calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headrace_contracts.events import RunLimits, RunSubmitted
from headrace_contracts.states import RunState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_api")
AnyConnection = Connection | ReadConnection
Scope = tuple[str, ...] | None
"""The namespaces in which something is looked for; None is every one."""


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
    connection: AnyConnection, run_id: UUID, scope: Scope, *, lock: bool = False
) -> KnownRun | None:
    """The run of this id; with `lock` nobody else changes it before the transaction ends."""
    row = await connection.fetchrow(_QUERIES["lock_run" if lock else "run_by_id"], run_id, scope)
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


async def archive_runs(connection: Connection, run_ids: Sequence[UUID], now: datetime) -> None:
    """Put runs out of sight."""
    await connection.execute(_QUERIES["archive_runs"], run_ids, now)


async def archive_ended(
    connection: Connection, before: datetime, now: datetime, n: int
) -> list[UUID]:
    """Put up to `n` runs out of sight that ended before a moment; returns them."""
    rows = await connection.fetch(_QUERIES["runs_to_archive"], before, n)
    found = [row["run_id"] for row in rows]
    await archive_runs(connection, found, now)
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


async def set_namespace_limit(
    connection: Connection, namespace: str, max_active_runs: int | None
) -> None:
    """Set or, with None, lift the limit of a namespace."""
    await connection.execute(_QUERIES["set_namespace_limit"], namespace, max_active_runs)

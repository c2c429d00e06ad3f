"""Runs in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headrace_contracts.messages.events import RunSubmitted
from headrace_contracts.states import RunState
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.runs.rules.states import RunStateUpdate
from headrace_api.stores import AnyConnection, Scope

_QUERIES = load_queries("headrace_api.runs")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the api stores it; its progress is the scheduler's and the recorder's."""

    submission: RunSubmitted
    state: RunState
    """PENDING until an event says that the run ended."""
    revision: int
    """The revision of the event that `state` is from."""
    archived: bool


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The run that an idempotency key belongs to."""

    submission: RunSubmitted
    request_digest: str


REFUSED = "refused_submissions"
"""The consumer under which the inbox has the submit messages that were rejected."""


async def is_refused(connection: ReadConnection, position: str) -> bool:
    """Whether the submit message at this position of its stream was rejected."""
    return await connection.fetchrow(_QUERIES["refused"], REFUSED, position) is not None


async def spec_is_stored(connection: ReadConnection, digest: str) -> bool:
    """Whether the object store has the spec with this digest."""
    return await connection.fetchrow(_QUERIES["spec_is_stored"], digest) is not None


async def insert_run(
    connection: Connection,
    submission: RunSubmitted,
    idempotency_key: str | None,
    request_digest: str,
) -> bool:
    """Insert a run, and record that its spec is stored; False when its key is taken."""
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


async def run_by_key(connection: AnyConnection, namespace: str, key: str) -> EarlierRun | None:
    """The run with this idempotency key."""
    row = await connection.fetchrow(_QUERIES["run_by_key"], namespace, key)
    if row is None:
        return None
    return EarlierRun(RunSubmitted.model_validate(row["submission"]), row["request_digest"])


async def run_by_id(
    connection: AnyConnection, run_id: UUID, scope: Scope, *, lock: bool = False
) -> StoredRun | None:
    """The run with this id; with `lock`, locked until the transaction ends."""
    row = await connection.fetchrow(_QUERIES["lock_run" if lock else "run_by_id"], run_id, scope)
    if row is None:
        return None
    return StoredRun(
        submission=RunSubmitted.model_validate(row["submission"]),
        state=RunState(row["state"]),
        revision=row["state_revision"],
        archived=row["archived_at"] is not None,
    )


async def update_run_states(connection: Connection, updates: Sequence[RunStateUpdate]) -> None:
    """Store states of runs. Outdated states, and states of unknown runs, have no effect."""
    await connection.execute(
        _QUERIES["update_run_states"],
        [update.run_id for update in updates],
        [update.state for update in updates],
        [update.revision for update in updates],
        [update.ended_at for update in updates],
    )


async def set_archived(connection: Connection, run_id: UUID, at: datetime | None) -> None:
    """Archive a run; None restores it."""
    await connection.execute(_QUERIES["set_archived"], run_id, at)


async def delete_run(connection: Connection, run_id: UUID) -> None:
    """Delete a run."""
    await connection.execute(_QUERIES["delete_run"], run_id)


async def archive_ended_runs(
    connection: Connection, before: datetime, now: datetime, limit: int
) -> list[UUID]:
    """Archive up to `limit` runs that ended before a time; returns their ids."""
    rows = await connection.fetch(_QUERIES["archive_ended_runs"], before, now, limit)
    return [row["run_id"] for row in rows]


async def delete_archived_runs(connection: Connection, before: datetime, limit: int) -> list[UUID]:
    """Delete up to `limit` ended runs that were archived before a time; returns their ids."""
    rows = await connection.fetch(_QUERIES["delete_archived_runs"], before, limit)
    return [row["run_id"] for row in rows]

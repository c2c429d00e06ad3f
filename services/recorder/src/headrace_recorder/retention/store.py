"""The rows of deleted runs, and the requests to delete their objects, in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_recorder.retention")
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Claim:
    """A run whose objects this process deletes now."""

    run_id: UUID
    submission: dict[str, Any]
    requests: int
    """The number of requests that this attempt answers."""
    attempts: int
    """Attempts so far, this one included."""


async def delete_rows(connection: Connection, run_ids: Sequence[UUID]) -> list[str]:
    """Delete all rows of deleted runs, except the run rows themselves, which mark them as deleted.
    Returns the URIs of the artifacts that the runs made or used."""
    rows = await connection.fetch(_QUERIES["artifact_uris_of_runs"], run_ids)
    uris = [row["uri"] for row in rows]
    for query in (
        "delete_tasks",
        "delete_artifact_tasks",
        "delete_run_metrics",
        "delete_history",
    ):
        await connection.execute(_QUERIES[query], run_ids)
    await connection.execute(_QUERIES["delete_artifacts"], run_ids, uris)
    return uris


async def request(connection: Connection, run_ids: Collection[UUID]) -> None:
    """Request the deletion of the objects of those of the runs that are deleted."""
    await connection.execute(_QUERIES["request_object_deletion"], list(run_ids))


async def claim(connection: Connection, seconds: float) -> Claim | None:
    """The next request that is due, if any; no other process gets it within `seconds`."""
    row = await connection.fetchrow(_QUERIES["claim_object_deletion"], timedelta(seconds=seconds))
    return None if row is None else Claim(**dict(row))


async def finish(connection: Connection, claim: Claim) -> None:
    """Remove a request whose objects are all deleted; repeat it if there is a newer request."""
    done = await connection.execute(
        _QUERIES["finish_object_deletion"], claim.run_id, claim.requests
    )
    if done == "DELETE 0":
        await repeat(connection, claim, 0)


async def repeat(connection: Connection, claim: Claim, seconds: float) -> None:
    """Have another attempt made after `seconds`."""
    await connection.execute(
        _QUERIES["repeat_object_deletion"], claim.run_id, timedelta(seconds=seconds)
    )


async def uris_in_use(connection: ReadConnection, folder: str) -> list[str]:
    """The URIs of this folder, of those in it, and of some beside it, of artifacts that tasks of
    runs that are not deleted refer to. `folder` ends in a slash."""
    rows = await connection.fetch(
        _QUERIES["artifact_uris_in_use"], folder.rstrip("/"), folder + _LAST_CHARACTER
    )
    return [row["uri"] for row in rows]

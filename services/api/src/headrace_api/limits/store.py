"""Limits in Postgres. The limit of a pipeline is a field of the pipeline, and changed with it."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.messages.events import RunLimits
from headrace_runtime.pg.database import Connection
from headrace_runtime.pg.queries import load_queries

from headrace_api.stores import AnyConnection

_QUERIES = load_queries("headrace_api.limits")


async def limits(connection: AnyConnection, pipeline_id: UUID | None, namespace: str) -> RunLimits:
    """The limits that apply to a run of a pipeline, if it has one, in a namespace."""
    row = await connection.fetchrow(_QUERIES["limits"], pipeline_id, namespace)
    assert row is not None
    return RunLimits(pipeline=row["pipeline"], namespace=row["namespace"])


async def set_namespace_limit(
    connection: Connection, namespace: str, max_active_runs: int | None
) -> None:
    """Set the limit of a namespace; None removes it."""
    await connection.execute(_QUERIES["set_namespace_limit"], namespace, max_active_runs)

"""The cache of outputs and the reusable outputs of reruns, in Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headrace_contracts.messages.events import Origin
from headrace_contracts.values import Outputs
from headrace_runtime.pg.database import Connection
from headrace_runtime.pg.queries import load_queries

from headrace_scheduler.core.decision import CacheEntry, EarlierOutputs, Lookup
from headrace_scheduler.core.run import Run

_QUERIES = load_queries("headrace_scheduler")


@dataclass(frozen=True, slots=True)
class Scope:
    """Within which executions are comparable, as on KFP: the pipeline's name in a namespace."""

    namespace: str
    pipeline: str

    @classmethod
    def of(cls, run: Run) -> Scope:
        """The scope of a run."""
        return cls(run.submission.namespace, run.plan.pipeline_name)


async def find(
    connection: Connection, run: Run, lookups: Sequence[Lookup]
) -> dict[UUID, list[EarlierOutputs]]:
    """The outputs that may answer each lookup, by task, the preferred ones first: those of the run
    that is rerun, then those in the cache. Whether their objects exist is not known."""
    found: dict[UUID, list[EarlierOutputs]] = {lookup.task_id: [] for lookup in lookups}
    if run.submission.rerun is not None:
        paths = [lookup.path for lookup in lookups]
        rows = await connection.fetch(_QUERIES["find_reusable"], run.run_id, paths)
        reusable = {(row["path"], row["fingerprint"]): row for row in rows}
        for lookup in lookups:
            row = reusable.get((lookup.path, lookup.fingerprint.digest))
            if row is not None:
                found[lookup.task_id].append(_outputs("rerun", row))
    cached = [lookup for lookup in lookups if lookup.cached]
    if cached:
        scope = Scope.of(run)
        digests = [lookup.fingerprint.digest for lookup in cached]
        rows = await connection.fetch(
            _QUERIES["find_cached"], scope.namespace, scope.pipeline, digests
        )
        entries = {row["fingerprint"]: _outputs("cache", row) for row in rows}
        for lookup in cached:
            if lookup.fingerprint.digest in entries:
                found[lookup.task_id].append(entries[lookup.fingerprint.digest])
    return found


async def save(connection: Connection, entries: Sequence[tuple[Run, CacheEntry]]) -> None:
    """Save outputs for later executions."""
    if entries:
        scopes = [Scope.of(run) for run, _ in entries]
        await connection.execute(
            _QUERIES["save_cache"],
            [scope.namespace for scope in scopes],
            [scope.pipeline for scope in scopes],
            [entry.fingerprint for _, entry in entries],
            [run.run_id for run, _ in entries],
            [entry.task_id for _, entry in entries],
            [entry.outputs for _, entry in entries],
        )


async def delete(connection: Connection, scope: Scope, entries: Iterable[tuple[str, UUID]]) -> None:
    """Delete the entries with these fingerprints that these tasks made."""
    missing = list(entries)
    if missing:
        await connection.execute(
            _QUERIES["delete_cached"],
            scope.namespace,
            scope.pipeline,
            [fingerprint for fingerprint, _ in missing],
            [task_id for _, task_id in missing],
        )


def _outputs(kind: Any, row: Any) -> EarlierOutputs:
    origin = Origin(kind=kind, run_id=row["run_id"], task_id=row["task_id"])
    return EarlierOutputs(Outputs.model_validate(row["outputs"]), origin)

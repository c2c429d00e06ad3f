"""Outputs of earlier executions: those of the run that is run anew, and those in the cache.

Outputs are taken only while they are there: an entry whose artifacts are gone from the object
store is forgotten, and the step runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headrace_contracts.events import Origin, RunSubmitted
from headrace_contracts.values import Artifact, Outputs
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Connection
from headrace_runtime.pg.queries import load_queries

from headrace_scheduler.core.draft import CacheEntry, Lookup, LookupAnswered, Taken
from headrace_scheduler.core.run import Run

_QUERIES = load_queries("headrace_scheduler")


class Lookups:
    """Answers what `decide` asks."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def answer(
        self, connection: Connection, run: Run, asked: Sequence[Lookup]
    ) -> list[LookupAnswered]:
        """An answer to each question, in their order."""
        submission = run.submission
        found = await self._reusable(connection, submission, asked)
        rest = [one for one in asked if one.cached and one.task_id not in found]
        if rest:
            found |= await self._cached(connection, _scope(run), rest)
        return [
            LookupAnswered(submission.run_id, one.task_id, found.get(one.task_id), one.fingerprint)
            for one in asked
        ]

    async def _reusable(
        self, connection: Connection, submission: RunSubmitted, asked: Sequence[Lookup]
    ) -> dict[UUID, Taken]:
        if submission.rerun is None:
            return {}
        paths = [one.path for one in asked]
        rows = await connection.fetch(_QUERIES["find_reusable"], submission.run_id, paths)
        by_path = {(row["path"], row["fingerprint"]): row for row in rows}
        return {
            one.task_id: taken
            for one in asked
            if (row := by_path.get((one.path, one.fingerprint.digest)))
            and await self._is_there(taken := _taken("rerun", row))
        }

    async def _cached(
        self, connection: Connection, scope: tuple[str, str], asked: Sequence[Lookup]
    ) -> dict[UUID, Taken]:
        digests = [one.fingerprint.digest for one in asked]
        rows = await connection.fetch(_QUERIES["find_cached"], *scope, digests)
        taken = {row["fingerprint"]: _taken("cache", row) for row in rows}
        there = await asyncio.gather(*(self._is_there(one) for one in taken.values()))
        gone = [key for key, is_there in zip(taken, there, strict=True) if not is_there]
        if gone:
            await connection.execute(_QUERIES["forget_cached"], *scope, gone)
        return {
            one.task_id: taken[one.fingerprint.digest]
            for one in asked
            if one.fingerprint.digest in taken and one.fingerprint.digest not in gone
        }

    async def _is_there(self, taken: Taken) -> bool:
        artifacts = [a for found in taken.outputs.artifacts.values() for a in found]
        return all(await asyncio.gather(*(self._exists(artifact) for artifact in artifacts)))

    async def _exists(self, artifact: Artifact) -> bool:
        """Whether an artifact's bytes are there; of another place than ours nothing is known."""
        key = self._objects.key(artifact.uri)
        if key is None or artifact.content.kind == "none":
            return True
        if artifact.content.kind == "directory":
            return await self._objects.has_any(key + "/")
        return await self._objects.has(key)


async def keep(connection: Connection, entries: Sequence[tuple[Run, CacheEntry]]) -> None:
    """Keep outputs for later executions."""
    if entries:
        await connection.execute(
            _QUERIES["save_cache"],
            *zip(*(_scope(run) for run, _ in entries), strict=True),
            [entry.fingerprint for _, entry in entries],
            [run.run_id for run, _ in entries],
            [entry.task_id for _, entry in entries],
            [entry.outputs for _, entry in entries],
        )


def _scope(run: Run) -> tuple[str, str]:
    """Within which executions can be equal: KFP's scope, the spec's name in the namespace."""
    return run.submission.namespace, run.plan.pipeline_name


def _taken(kind: Any, row: Any) -> Taken:
    origin = Origin(kind=kind, run_id=row["run_id"], task_id=row["task_id"])
    return Taken(Outputs.model_validate(row["outputs"]), origin)

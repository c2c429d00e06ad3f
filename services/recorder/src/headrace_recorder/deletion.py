"""What goes when runs are deleted: their rows, and of their objects those that no other run has.

A run that took results from the cache, or kept them in a rerun, has artifacts that lie among an
earlier run's objects. They stay for as long as such a run is there, and go with the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

from headrace_contracts.places import run_prefix
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Connection
from headrace_runtime.pg.queries import load_queries

from headrace_recorder.core.places import left_over, named_runs
from headrace_recorder.core.projection import RunRow

_QUERIES = load_queries("headrace_recorder")
_LAST = "\U0010ffff"


class Deletion:
    """Deletes runs that are marked as deleted. What is still heard of them goes too."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def delete(self, connection: Connection, runs: Sequence[RunRow]) -> None:
        """Leave nothing of the runs but their mark, and what others still have."""
        run_ids = [run.run_id for run in runs]
        uris = [row["uri"] for row in await connection.fetch(_QUERIES["places_of_runs"], run_ids)]
        for query in (
            "delete_tasks",
            "delete_artifact_tasks",
            "delete_run_metrics",
            "delete_uses",
            "delete_metrics",
            "delete_history",
        ):
            await connection.execute(_QUERIES[query], run_ids)
        await connection.execute(_QUERIES["delete_artifacts"], run_ids, uris)
        for run in runs:
            if run.submission is not None:
                prefix = run_prefix(run.submission)
                used = await self._in_use(connection, prefix)
                await self._objects.delete_all(prefix, besides=used)
        await self._delete_left_over(connection, uris)

    async def _delete_left_over(self, connection: Connection, uris: Sequence[str]) -> None:
        """What these runs were the last to have of runs that were deleted before."""
        keys = [key for uri in uris if (key := self._objects.key(uri)) is not None]
        named = {run_id for key in keys for run_id in named_runs(key)}
        rows = await connection.fetch(_QUERIES["deleted_submissions"], list(named))
        for prefix in [run_prefix(row["submission"]) for row in rows]:
            for key in left_over(keys, prefix, await self._in_use(connection, prefix)):
                await self._objects.delete_all(key + "/")
                await self._objects.delete(key)

    async def _in_use(self, connection: Connection, prefix: str) -> list[str]:
        """The keys that begin so of what live runs made or used."""
        start = self._objects.uri(prefix)
        rows = await connection.fetch(_QUERIES["places_in_use"], start, start + _LAST)
        return [key for row in rows if (key := self._objects.key(row["uri"])) is not None]

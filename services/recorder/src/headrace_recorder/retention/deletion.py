"""Deletes what deleted runs leave: their rows at once, their objects in the background.

The transaction that records a deletion only writes to Postgres: it deletes the rows and requests
the deletion of the objects. `run` works on the requests, so a slow or unavailable object store
delays neither that transaction nor the events of other runs. A request stays until all its objects
are deleted; attempts repeat with growing pauses, also after a crash.

An artifact can be used by other runs, which reused it from the cache or in a rerun, or imported it.
Its objects stay in the folder of the run that made them until no run refers to them; then the
deletion of the last such run requests the deletion of that folder again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from headrace_contracts.object_keys import prefix_of_submission
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import repeat
from headrace_runtime.objects import ObjectMissingError, ObjectStore
from headrace_runtime.pg.database import Connection, Database
from prometheus_client import Counter

from headrace_recorder.core.object_keys import named_runs, unused
from headrace_recorder.retention import store
from headrace_recorder.retention.store import Claim

OBJECTS = Counter(
    "headrace_recorder_deleted_objects", "Objects of deleted runs, by outcome", ["outcome"]
)

_WORKERS = 4
"""Runs whose objects are deleted at the same time: one that takes long does not hold up others."""
_POLL_SECONDS = 5.0
"""How late a repeated attempt, or a request of another process, is noticed."""
_LONGEST_ATTEMPT_SECONDS = 240.0
"""What an attempt has deleted by then stays deleted; the next one continues with the rest."""
_CLAIM_SECONDS = 300.0
"""Longer than any attempt. The attempt of a process that crashed is repeated after this time."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_LOGGED_KEYS = 20
"""How many of an attempt's failed keys are logged one by one."""


class Deletion:
    """Deletes the rows and objects of runs that are marked as deleted."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._requested = asyncio.Event()
        self._log = get_logger()

    async def delete_rows(self, connection: Connection, run_ids: Sequence[UUID]) -> None:
        """Delete the rows of these runs, and request the deletion of their objects. Objects of
        runs deleted earlier that only these runs still used are deleted too. Part of the caller's
        transaction."""
        uris = await store.delete_rows(connection, run_ids)
        keys = [key for uri in uris if (key := self._objects.key(uri)) is not None]
        makers = {run_id for key in keys for run_id in named_runs(key)}
        await store.request(connection, {*run_ids, *makers})

    def wake(self) -> None:
        """Start on new requests at once; to be called after they are committed."""
        self._requested.set()

    async def run(self) -> None:
        """Delete objects until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(
                    repeat("object_deletion", self.delete_next, _POLL_SECONDS, wake=self._requested)
                )

    async def delete_next(self) -> bool:
        """Make one attempt for the request that is due; returns False when none is.

        Raises:
            RetryableError: Postgres is unavailable.
        """
        claim = await self._database.transact(
            lambda unit: store.claim(unit.connection, _CLAIM_SECONDS)
        )
        if claim is None:
            return False
        log = self._log.bind(run_id=str(claim.run_id), attempts=claim.attempts)
        complete = False
        try:
            async with asyncio.timeout(_LONGEST_ATTEMPT_SECONDS):
                complete = await self._delete_objects(claim)
        except (RetryableError, ObjectMissingError, TimeoutError) as error:
            log.warning("run_objects_not_deleted", error=repr(error))
        except Exception:  # of one run; the others go on
            log.exception("run_objects_not_deleted")
        end = store.finish if complete else partial(store.repeat, seconds=_pause(claim.attempts))
        await self._database.transact(lambda unit: end(unit.connection, claim))
        return True

    async def _delete_objects(self, claim: Claim) -> bool:
        """Delete the objects in the run's folder that no run uses; returns whether all are gone.
        Which objects are in use is looked up for each page of the list, of up to 1000 keys."""
        prefix = prefix_of_submission(claim.submission)
        failed: dict[str, str] = {}
        async for keys in self._objects.pages(prefix):
            batch = unused(keys, await self._keys_in_use(prefix))
            failures = await self._objects.delete_many(batch)
            OBJECTS.labels("deleted").inc(len(batch) - len(failures))
            OBJECTS.labels("failed").inc(len(failures))
            failed |= failures
        for key, error in list(failed.items())[:_LOGGED_KEYS]:
            self._log.warning("object_not_deleted", run_id=str(claim.run_id), key=key, error=error)
        if failed:
            self._log.warning(
                "run_objects_not_deleted", run_id=str(claim.run_id), objects=len(failed)
            )
        return not failed

    async def _keys_in_use(self, prefix: str) -> list[str]:
        async with self._database.read() as connection:
            uris = await store.uris_in_use(connection, self._objects.uri(prefix))
        return [key for uri in uris if (key := self._objects.key(uri)) is not None]


def _pause(attempts: int) -> float:
    """Seconds before the next attempt, after `attempts` (from 1) that were not complete."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 16))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311

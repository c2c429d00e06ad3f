"""Answers lookups of earlier outputs. Outputs count only while their objects exist.

A lookup is answered within the transaction that asks for it, unless objects have to be checked:
then the transaction commits with the task still waiting for the answer, `Verifications` asks the
object store in the background, and the answer is decided on in a transaction of its own. A slow or
unavailable store thus delays only the tasks that would reuse outputs. A lookup whose answer is lost
in a crash is repeated.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from headrace_contracts.values import Artifact
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Connection

from headrace_scheduler import cache
from headrace_scheduler.cache import Scope
from headrace_scheduler.core.decision import EarlierOutputs, Lookup, LookupAnswered
from headrace_scheduler.core.run import Run

_REQUESTS_AT_ONCE = 32
"""Fewer than the connections of the object store's client, so that specs can be read meanwhile."""
_ANSWERS_AT_ONCE = 4
"""Half of the connections to Postgres."""
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Unverified:
    """Lookups of one run, each with the outputs that may answer it, the preferred ones first."""

    run_id: UUID
    scope: Scope
    lookups: Sequence[tuple[Lookup, Sequence[EarlierOutputs]]]


@dataclass(frozen=True, slots=True)
class Verified:
    """The answers to lookups, and the cache entries whose outputs do not exist any more."""

    answers: Sequence[LookupAnswered]
    scope: Scope
    missing: Sequence[tuple[str, UUID]]
    """Fingerprint, and the task that made the outputs."""


async def answer(
    connection: Connection, objects: ObjectStore, run: Run, lookups: Sequence[Lookup]
) -> tuple[list[LookupAnswered], Unverified | None]:
    """The answers that need no request to the object store, and the lookups that do."""
    candidates = await cache.find(connection, run, lookups)
    answers: list[LookupAnswered] = []
    unverified: list[tuple[Lookup, Sequence[EarlierOutputs]]] = []
    for lookup in lookups:
        found = candidates[lookup.task_id]
        if found and _stored(objects, found[0]):
            unverified.append((lookup, found))
        else:
            answers.append(_answer(run.run_id, lookup, found[0] if found else None))
    return answers, Unverified(run.run_id, Scope.of(run), unverified) if unverified else None


class Verifications:
    """Asks the object store, in the background, whether outputs still exist."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._tasks: dict[tuple[UUID, str], asyncio.Task[None]] = {}
        self._requests = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._answers = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        self._log = get_logger()

    def start(self, unverified: Unverified, deliver: Callable[[Verified], Awaitable[None]]) -> None:
        """Verify these lookups, except those that are being verified, and deliver the answers."""
        new = [pair for pair in unverified.lookups if _key(pair[0]) not in self._tasks]
        if not new:
            return
        task = asyncio.create_task(
            self._run(Unverified(unverified.run_id, unverified.scope, new), deliver)
        )
        for lookup, _ in new:
            self._tasks[_key(lookup)] = task
            task.add_done_callback(partial(self._finished, _key(lookup)))

    def _finished(self, key: tuple[UUID, str], _: asyncio.Task[None]) -> None:
        self._tasks.pop(key, None)

    async def _run(
        self, unverified: Unverified, deliver: Callable[[Verified], Awaitable[None]]
    ) -> None:
        log = self._log.bind(run_id=str(unverified.run_id), lookups=len(unverified.lookups))
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                verified = await self._verify(unverified)
                async with self._answers:
                    await deliver(verified)
                return
            except RetryableError as error:
                log.warning("lookups_postponed", error=str(error))
            except Exception:
                log.exception("lookups_failed")
                return  # the reconciliation repeats them
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _verify(self, unverified: Unverified) -> Verified:
        results = await asyncio.gather(
            *(self._first_that_exists(candidates) for _, candidates in unverified.lookups)
        )
        answers = [
            _answer(unverified.run_id, lookup, found)
            for (lookup, _), (found, _) in zip(unverified.lookups, results, strict=True)
        ]
        missing = [
            (lookup.fingerprint.digest, outputs.origin.task_id)
            for (lookup, _), (_, gone) in zip(unverified.lookups, results, strict=True)
            for outputs in gone
            if outputs.origin.kind == "cache"
        ]
        return Verified(answers, unverified.scope, missing)

    async def _first_that_exists(
        self, candidates: Sequence[EarlierOutputs]
    ) -> tuple[EarlierOutputs | None, list[EarlierOutputs]]:
        """The first candidate whose objects exist, and those before it."""
        gone: list[EarlierOutputs] = []
        for candidate in candidates:
            stored = _stored(self._objects, candidate)
            if all(await asyncio.gather(*(self._exists(key, one) for key, one in stored))):
                return candidate, gone
            gone.append(candidate)
        return None, gone

    async def _exists(self, key: str, artifact: Artifact) -> bool:
        async with self._requests:
            if artifact.content.kind == "directory":
                return await self._objects.has_any(key + "/")
            return await self._objects.has(key)


def _stored(objects: ObjectStore, outputs: EarlierOutputs) -> list[tuple[str, Artifact]]:
    """The artifacts that have objects in the deployment's bucket, with their keys. Whether those in
    other places exist is not checked."""
    return [
        (key, artifact)
        for artifacts in outputs.outputs.artifacts.values()
        for artifact in artifacts
        if artifact.content.kind != "none" and (key := objects.key(artifact.uri)) is not None
    ]


def _answer(run_id: UUID, lookup: Lookup, found: EarlierOutputs | None) -> LookupAnswered:
    return LookupAnswered(run_id, lookup.task_id, found, lookup.fingerprint)


def _key(lookup: Lookup) -> tuple[UUID, str]:
    return lookup.task_id, lookup.fingerprint.digest

"""Answers lookups of earlier outputs. Outputs count only while their objects exist.

A lookup is answered within the transaction that asks for it, unless objects have to be checked:
then the transaction commits with the task still waiting for the answer, `Verifications` asks the
object store in the background, and the answer is decided on in a transaction of its own. A slow or
unavailable store thus delays only the tasks that would reuse outputs. A lookup whose answer is lost
in a crash is repeated.

The answer often lets a task start whose outputs have to be checked too. What such tasks will need
is found beforehand, on a copy of the run, and checked together with the rest, so that a chain of
cached steps takes one round of requests, not one a step.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Connection

from headrace_scheduler import cache
from headrace_scheduler.cache import Scope
from headrace_scheduler.core.decision import Decision, EarlierOutputs, Lookup, LookupAnswered
from headrace_scheduler.core.run import Run

_REQUESTS_AT_ONCE = 32
"""Fewer than the connections of the object store's client, so that specs can be read meanwhile."""
_ANSWERS_AT_ONCE = 4
"""Half of the connections to Postgres."""
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0
_LARGEST_COPY = 1000
"""Tasks of a run that is copied to look ahead: about 3 ms. In a larger run, each step of a chain is
checked on its own."""
_MOST_AHEAD = 256
"""Objects that are checked beforehand in one round, so that a transaction stays short."""

Decide = Callable[[Run, LookupAnswered], Decision]
Candidates = Sequence[tuple[Lookup, Sequence[EarlierOutputs]]]
"""Lookups, each with the outputs that may answer it, the preferred ones first."""


class StoredObject(NamedTuple):
    """An object in the deployment's bucket, or a folder of objects."""

    key: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Unverified:
    """Lookups of one run that need requests to the object store."""

    run_id: UUID
    scope: Scope
    lookups: Candidates
    ahead: frozenset[StoredObject]
    """What the tasks that follow will need if these outputs exist."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The answers to lookups."""

    answers: Sequence[LookupAnswered]
    existing: frozenset[StoredObject]
    """All objects that were found."""
    scope: Scope
    missing: Sequence[tuple[str, UUID]]
    """The cache entries whose objects do not exist any more: fingerprint, and the task that made
    the outputs."""


async def answer(
    connection: Connection,
    objects: ObjectStore,
    run: Run,
    lookups: Sequence[Lookup],
    existing: Collection[StoredObject],
    decide: Decide,
) -> tuple[list[LookupAnswered], Unverified | None]:
    """The answers that need no request to the object store, and the lookups that do. `existing` are
    objects that were found just now."""
    candidates = await cache.find(connection, run, lookups)
    answers: list[LookupAnswered] = []
    unverified: list[tuple[Lookup, Sequence[EarlierOutputs]]] = []
    for lookup in lookups:
        found = candidates[lookup.task_id]
        if found and not _stored(objects, found[0]).issubset(existing):
            unverified.append((lookup, found))
        else:
            answers.append(_answer(run.run_id, lookup, found[0] if found else None))
    if not unverified:
        return answers, None
    ahead = await _look_ahead(connection, objects, run, unverified, decide)
    return answers, Unverified(run.run_id, Scope.of(run), unverified, ahead)


async def _look_ahead(
    connection: Connection, objects: ObjectStore, run: Run, lookups: Candidates, decide: Decide
) -> frozenset[StoredObject]:
    """What the tasks that follow these lookups will need, if the outputs that were found exist."""
    ahead: set[StoredObject] = set()
    if len(run.nodes) > _LARGEST_COPY:
        return frozenset()
    copy = run.copy()
    while lookups and len(ahead) < _MOST_AHEAD:
        next_lookups = [
            following
            for lookup, found in lookups
            if found
            for following in decide(copy, _answer(run.run_id, lookup, found[0])).lookups
        ]
        candidates = await cache.find(connection, run, next_lookups)
        lookups = [(lookup, candidates[lookup.task_id]) for lookup in next_lookups]
        ahead.update(*(_stored(objects, found[0]) for _, found in lookups if found))
    return frozenset(ahead)


class Verifications:
    """Asks the object store, in the background, whether outputs still exist."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._tasks: set[asyncio.Task[None]] = set()
        self._checking: set[tuple[UUID, str]] = set()
        """The lookups whose objects are being checked; not those whose answers are delivered, which
        may come too early for a repeated lookup."""
        self._requests = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._answers = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        self._log = get_logger()

    def start(self, unverified: Unverified, deliver: Callable[[Verified], Awaitable[None]]) -> None:
        """Verify these lookups, except those that are being verified, and deliver the answers."""
        new = [pair for pair in unverified.lookups if _key(pair[0]) not in self._checking]
        if new:
            self._checking.update(_key(lookup) for lookup, _ in new)
            task = asyncio.create_task(self._run(replace(unverified, lookups=new), deliver))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(
        self, unverified: Unverified, deliver: Callable[[Verified], Awaitable[None]]
    ) -> None:
        log = self._log.bind(run_id=str(unverified.run_id), lookups=len(unverified.lookups))
        keys = {_key(lookup) for lookup, _ in unverified.lookups}
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self._checking |= keys
            try:
                verified = await self._verify(unverified)
                async with self._answers:
                    self._checking -= keys
                    await deliver(verified)
                return
            except RetryableError as error:
                log.warning("lookups_postponed", error=str(error))
            except Exception:
                self._checking -= keys
                log.exception("lookups_failed")
                return  # the reconciliation repeats them
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _verify(self, unverified: Unverified) -> Verified:
        """Check the objects of all candidates."""
        stored = partial(_stored, self._objects)
        candidates = [one for _, found in unverified.lookups for one in found]
        existing, missing = await self._check(unverified.ahead.union(*map(stored, candidates)))
        answers: list[LookupAnswered] = []
        gone: list[tuple[str, UUID]] = []
        for lookup, found in unverified.lookups:
            first = next((one for one in found if stored(one) <= existing), None)
            answers.append(_answer(unverified.run_id, lookup, first))
            gone += [
                (lookup.fingerprint.digest, one.origin.task_id)
                for one in found
                if one.origin.kind == "cache" and stored(one) & missing
            ]
        return Verified(answers, existing, unverified.scope, gone)

    async def _check(
        self, stored: Collection[StoredObject]
    ) -> tuple[frozenset[StoredObject], frozenset[StoredObject]]:
        """Those that exist, and those that do not. An object in neither set cannot be checked.

        Raises:
            RetryableError: the object store is unavailable.
        """
        checks = {one: asyncio.create_task(self._exists(one)) for one in stored}
        try:
            await asyncio.gather(*checks.values())
        finally:
            for check in checks.values():
                check.cancel()  # no effect unless another check failed
        return (
            frozenset(one for one, check in checks.items() if check.result() is True),
            frozenset(one for one, check in checks.items() if check.result() is False),
        )

    async def _exists(self, stored: StoredObject) -> bool | None:
        """Whether it exists; None if the store rejects the request. Steps can report any URI, such
        as one with a key that is empty or too long."""
        if not stored.key:
            return None
        async with self._requests:
            try:
                if stored.is_folder:
                    return await self._objects.has_any(stored.key + "/")
                return await self._objects.has(stored.key)
            except RetryableError:
                raise
            except Exception as error:
                self._log.warning("object_not_checked", key=stored.key, error=repr(error))
                return None


def _stored(objects: ObjectStore, outputs: EarlierOutputs) -> frozenset[StoredObject]:
    """The objects of these outputs in the deployment's bucket. Whether those in other places exist
    is not checked."""
    return frozenset(
        StoredObject(key, artifact.content.kind == "directory")
        for artifacts in outputs.outputs.artifacts.values()
        for artifact in artifacts
        if artifact.content.kind != "none" and (key := objects.key(artifact.uri)) is not None
    )


def _answer(run_id: UUID, lookup: Lookup, found: EarlierOutputs | None) -> LookupAnswered:
    return LookupAnswered(run_id, lookup.task_id, found, lookup.fingerprint)


def _key(lookup: Lookup) -> tuple[UUID, str]:
    return lookup.task_id, lookup.fingerprint.digest

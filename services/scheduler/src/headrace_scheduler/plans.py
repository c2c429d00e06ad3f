"""Plans in memory, by the digest of their spec, which never changes.

A spec is read from the object store outside of transactions. Code inside one asks for a plan in
memory; if it is not there, `PlansMissingError` ends the transaction, and the caller loads the
missing plans and starts over.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.values import BlobRef
from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectMissingError, ObjectStore

from headrace_scheduler.core.plan import Plan, plan

_PLANS_IN_MEMORY = 128
_LONGEST_WAIT_SECONDS = 1.0
"""How long events of other runs may wait for a slow object store. Reading a spec takes a few
milliseconds."""
_UNREADABLE_SECONDS = 5.0
"""How long a spec that cannot be read is not requested again."""


class PlansMissingError(Exception):
    """Plans that are needed are not in memory."""

    def __init__(self, specs: Mapping[UUID, BlobRef]) -> None:
        """`specs` are the specs to load, by the run that needs them."""
        self.specs = specs
        super().__init__(f"{len(specs)} plans are not in memory")


class SpecUnreadableError(RetryableError):
    """The object store works, but the spec is not there, or is not a pipeline."""


@dataclass(slots=True)
class _Reading:
    task: asyncio.Task[Plan]
    started: float


@dataclass(slots=True)
class Loaded:
    """The plans that a caller of `Plans.hold` has loaded."""

    digests: set[str] = field(default_factory=set)


class Plans:
    """The plans that were used last."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._held: Counter[str] = Counter()
        self._reading: dict[str, _Reading] = {}
        self._unreadable: dict[str, tuple[SpecUnreadableError, float]] = {}
        """Why these cannot be read, and when that was found."""

    def get(self, spec: BlobRef) -> Plan | None:
        """The plan of a spec, if it is in memory."""
        found = self._plans.get(spec.sha256)
        if found is not None:
            self._plans.move_to_end(spec.sha256)
        return found

    @contextmanager
    def hold(self) -> Iterator[Loaded]:
        """Within this context, the plans that are loaded for it stay in memory. Without it, many
        callers that load many plans could drop each other's before they are used."""
        loaded = Loaded()
        try:
            yield loaded
        finally:
            self._held.subtract(loaded.digests)
            self._held += Counter()  # drops those that nothing holds
            self._trim()

    async def load(self, specs: Mapping[UUID, BlobRef], loaded: Loaded) -> dict[UUID, Exception]:
        """Read the plans of runs that are not in memory; returns the errors, by run. What takes
        longer than a second counts as an error, and goes on in the background."""
        wanted = {spec.sha256: spec for spec in specs.values()}
        new = wanted.keys() - loaded.digests
        loaded.digests |= new
        self._held.update(new)
        clock = asyncio.get_running_loop().time
        self._forget_unreadable(clock())
        missing = {
            digest: spec
            for digest, spec in wanted.items()
            if self.get(spec) is None and digest not in self._unreadable
        }
        for digest, spec in missing.items():
            if digest not in self._reading:
                task = asyncio.create_task(self._read(spec))
                self._reading[digest] = _Reading(task, clock())
        readings = [self._reading[digest] for digest in missing]
        if readings:
            until = max(one.started for one in readings) + _LONGEST_WAIT_SECONDS
            await asyncio.wait([one.task for one in readings], timeout=max(0, until - clock()))
        errors = {
            digest: self._result(digest, reading)
            for digest, reading in zip(missing, readings, strict=True)
        }
        errors |= {d: self._unreadable[d][0] for d in wanted if d in self._unreadable}
        return {i: e for i, s in specs.items() if (e := errors.get(s.sha256)) is not None}

    def _result(self, digest: str, reading: _Reading) -> Exception | None:
        """Keep the plan that was read; returns why there is none."""
        if not reading.task.done():
            return RetryableError("the object store is slow: a spec is still being read")
        if self._reading.get(digest) is reading:
            del self._reading[digest]
        try:
            self._plans[digest] = reading.task.result()
        except SpecUnreadableError as error:
            self._unreadable[digest] = error, asyncio.get_running_loop().time()
            return error
        except Exception as error:
            return error
        return None

    def _forget_unreadable(self, now: float) -> None:
        since = now - _UNREADABLE_SECONDS
        self._unreadable = {d: one for d, one in self._unreadable.items() if one[1] > since}

    def _trim(self) -> None:
        """Drop the plans that have not been used for longest, except those that are held."""
        excess = len(self._plans) - _PLANS_IN_MEMORY
        if excess > 0:
            unused = [digest for digest in self._plans if digest not in self._held]
            for digest in unused[:excess]:
                del self._plans[digest]

    async def _read(self, spec: BlobRef) -> Plan:
        try:
            body = await self._objects.get(spec.key)
        except ObjectMissingError:
            raise SpecUnreadableError(f"there is no object {spec.key!r}") from None
        try:
            return plan(PipelineDocument.model_validate_json(body), self._objects.uri(""))
        except Exception as error:
            raise SpecUnreadableError(f"{spec.key!r} is not a valid pipeline: {error}") from error

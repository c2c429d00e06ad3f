"""Plans in memory, by the digest of their spec, which never changes.

A spec is read from the object store outside of transactions. Code inside one asks for a plan in
memory; if it is not there, `PlansMissingError` ends the transaction, and the caller loads the
missing plans and starts over.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.values import BlobRef
from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectStore

from headrace_scheduler.core.plan import Plan, plan

_PLANS_IN_MEMORY = 128
_LONGEST_WAIT_SECONDS = 1.0
"""How long events of other runs may wait for a slow object store. Reading a spec takes a few
milliseconds."""


class PlansMissingError(Exception):
    """Plans that are needed are not in memory."""

    def __init__(self, specs: Mapping[UUID, BlobRef]) -> None:
        """`specs` are the specs to load, by the run that needs them."""
        self.specs = specs
        super().__init__(f"{len(specs)} plans are not in memory")


class Plans:
    """The plans that were used last."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Plan]] = {}

    def get(self, spec: BlobRef) -> Plan | None:
        """The plan of a spec, if it is in memory."""
        found = self._plans.get(spec.sha256)
        if found is not None:
            self._plans.move_to_end(spec.sha256)
        return found

    async def load(self, specs: Mapping[UUID, BlobRef]) -> dict[UUID, Exception]:
        """Read the plans of runs that are not in memory; returns the errors, by run. What takes
        longer than a second counts as an error, and goes on in the background."""
        missing = {s.sha256: s for s in specs.values() if self.get(s) is None}
        if not missing:
            return {}
        new = {digest for digest in missing if digest not in self._reading}
        for digest in new:
            self._reading[digest] = asyncio.create_task(self._read(missing[digest]))
        tasks = {digest: self._reading[digest] for digest in missing}
        await asyncio.wait(tasks.values(), timeout=_LONGEST_WAIT_SECONDS if new else 0)
        errors = {
            digest: error for digest, t in tasks.items() if (error := self._result(digest, t))
        }
        return {i: errors[s.sha256] for i, s in specs.items() if s.sha256 in errors}

    def _result(self, digest: str, task: asyncio.Task[Plan]) -> Exception | None:
        """Keep the plan that a task has read; returns why there is none."""
        if not task.done():
            return RetryableError("the object store is slow: a spec is still being read")
        if self._reading.get(digest) is task:
            del self._reading[digest]
        try:
            self._plans[digest] = task.result()
        except Exception as error:
            return error
        return None

    def trim(self) -> None:
        """Drop the plans that have not been used for longest. Only to be called when none of the
        loaded plans is about to be used."""
        while len(self._plans) > _PLANS_IN_MEMORY:
            self._plans.popitem(last=False)

    async def _read(self, spec: BlobRef) -> Plan:
        body = await self._objects.get(spec.key)
        return plan(PipelineDocument.model_validate_json(body), self._objects.uri(""))

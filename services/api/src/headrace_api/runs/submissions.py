"""Accepts runs, whether they come by HTTP, by message, or from a recurring run.

Order: check the request, put the spec into the object store, then commit the run together with
its idempotency key and ``run.submitted``. Nothing but Postgres is used within the transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.ids import new_id
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import RunSubmitted
from headrace_contracts.object_keys import is_readable_from
from headrace_runtime.errors import RejectedError
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.errors import invalid_parameter, key_reused
from headrace_api.experiments.service import find_or_create_experiment
from headrace_api.limits.store import limits
from headrace_api.runs import store
from headrace_api.runs.rules.macros import ScheduledSlot
from headrace_api.runs.rules.requests import (
    deadline,
    default_name,
    fitted_parameters,
    request_digest,
)
from headrace_api.runs.sources import Source, Sources
from headrace_api.runs.store import EarlierRun

_UNKNOWN = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted run."""

    submission: RunSubmitted
    duplicate: bool
    """Whether an earlier request with the same idempotency key created the run."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that was checked and whose spec is in the object store, ready to be committed."""

    request: SubmitRun
    submission: RunSubmitted
    request_digest: str
    duplicate: bool
    """Whether `submission` is that of an earlier request, which has been committed."""


OnAccepted = Callable[[Unit, Accepted], None]


class Submissions:
    """Accepts runs. Raises `RejectedError` for requests that are not valid, and for new runs while
    there is too little free space."""

    def __init__(self, database: Database, objects: ObjectStore, space: SpaceReserve) -> None:
        self._database = database
        self._objects = objects
        self._space = space
        self._sources = Sources(database, objects)

    async def submit(self, request: SubmitRun, on_accepted: OnAccepted | None = None) -> Accepted:
        """Accept a request, or find the run that an earlier request with the same key created.
        `on_accepted` stages further messages in the same transaction."""
        prepared = await self.prepare(request)

        async def work(unit: Unit) -> Accepted:
            accepted = await self.commit(unit, prepared)
            if on_accepted is not None:
                on_accepted(unit, accepted)
            return accepted

        return await self._database.transact(work)

    async def prepare(self, request: SubmitRun, slot: ScheduledSlot | None = None) -> Prepared:
        """Check a request, and put its spec into the object store. `slot` is for recurring runs."""
        content_digest = request_digest(request)
        earlier = await self._earlier(request, content_digest)
        if earlier is not None:
            return Prepared(request, earlier, content_digest, duplicate=True)
        self._space.require()
        if request.rerun is not None:
            request, source = await self._sources.of_rerun(request, request.rerun)
        else:
            source = await self._sources.of(request)
        submission = await self._submission(request, source, slot)
        return Prepared(request, submission, content_digest, duplicate=False)

    async def commit(self, unit: Unit, prepared: Prepared) -> Accepted:
        """Insert the run and stage ``run.submitted``, unless a concurrent request with the same
        key did."""
        request, submission = prepared.request, prepared.submission
        if prepared.duplicate:
            return Accepted(submission, duplicate=True)
        experiment = await find_or_create_experiment(
            unit,
            request.namespace,
            request.experiment_id,
            request.experiment,
            submission.submitted_at,
        )
        run_limits = await limits(
            unit.connection, submission.pipeline.pipeline_id, submission.namespace
        )
        submission = submission.model_copy(
            update={"experiment_id": experiment.experiment_id, "limits": run_limits}
        )
        key = request.idempotency_key
        if await store.insert_run(unit.connection, submission, key, prepared.request_digest):
            unit.publish(submission, submission.run_id)
            return Accepted(submission, duplicate=False)
        # The connection may have been lost before an earlier try learned that it was committed.
        if key is None:
            return Accepted(submission, duplicate=False)
        concurrent = await store.run_by_key(unit.connection, request.namespace, key)
        assert concurrent is not None
        accepted = _same_request(concurrent, prepared.request_digest)
        return Accepted(accepted, duplicate=accepted.run_id != submission.run_id)

    async def check(self, request: SubmitRun, slot: ScheduledSlot) -> None:
        """Raise `RejectedError` when a run of this request would not be accepted now."""
        source = await self._sources.of(request)
        fitted_parameters(source.document, request.parameters, _UNKNOWN, slot.scheduled_at, slot)
        self._check_pipeline_root(request)

    async def _earlier(self, request: SubmitRun, content_digest: str) -> RunSubmitted | None:
        if request.idempotency_key is None:
            return None
        async with self._database.read() as connection:
            earlier = await store.run_by_key(connection, request.namespace, request.idempotency_key)
        return None if earlier is None else _same_request(earlier, content_digest)

    def _check_pipeline_root(self, request: SubmitRun) -> None:
        """Refuse a root that steps of the namespace could not write to or read from."""
        root = request.pipeline_root
        if not root:
            return
        key = self._objects.key(root)
        if key is None:
            raise _root_refused(root, "is not in this deployment's object store")
        folder = key.strip("/")
        if folder and not is_readable_from(f"{folder}/run", request.namespace):
            raise _root_refused(
                root, f"is a location that namespace {request.namespace!r} cannot use"
            )

    async def _submission(
        self, request: SubmitRun, source: Source, slot: ScheduledSlot | None
    ) -> RunSubmitted:
        document, run_id, now = source.document, new_id(), await self._database.time()
        self._check_pipeline_root(request)
        parameters = fitted_parameters(document, request.parameters, run_id, now, slot)
        return RunSubmitted(
            run_id=run_id,
            namespace=request.namespace,
            display_name=request.display_name or default_name(document, now),
            description=request.description,
            experiment_id=_UNKNOWN,  # set with the limits, when the run is committed
            pipeline=source.pipeline,
            spec=await self._sources.freeze(source),
            parameters=parameters,
            pipeline_root=request.pipeline_root,
            service_account=request.service_account,
            submitted_at=now,
            priority=request.priority,
            deadline_seconds=deadline(document, request),
            failure_strategy=request.failure_strategy,
            caching=request.caching,
            rerun=request.rerun,
            recurring_run_id=slot.recurring_run_id if slot else None,
            scheduled_at=slot.scheduled_at if slot else None,
        )


def _same_request(earlier: EarlierRun, content_digest: str) -> RunSubmitted:
    if earlier.request_digest != content_digest:
        raise key_reused("idempotency_key")
    return earlier.submission


def _root_refused(root: str, fault: str) -> RejectedError:
    return invalid_parameter(f"pipeline_root {root!r} {fault}", "pipeline_root")

"""The one way in for runs, by HTTP and by message: check, freeze the spec, commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.commands import PipelineReference, SubmitRun
from headrace_contracts.events import PipelineIdentity, Rerun, RunSubmitted
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ids import new_id
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.places import may_be_lent
from headrace_contracts.resources import Experiment
from headrace_contracts.values import BlobRef
from headrace_runtime.errors import RejectedError
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_api import experiment_store, pipeline_store, store
from headrace_api.core.macros import Occasion
from headrace_api.core.requests import (
    check_rerun_tasks,
    checked_document,
    deadline,
    default_name,
    digest,
    fitted_parameters,
    frozen,
    own_document,
    request_digest,
    rerun_request,
)

DEFAULT_EXPERIMENT = "Default"
LONGEST_EXPERIMENT_NAME = 128
"""As KFP has it."""
Source = tuple[PipelineDocument, PipelineIdentity, BlobRef | None]
"""A spec, what pipeline it belongs to, and where it is stored if it was frozen before."""
_DEFAULT_DESCRIPTION = "All runs created without specifying an experiment will be grouped here."


@dataclass(frozen=True, slots=True)
class Accepted:
    """A run, and whether it was accepted before."""

    submission: RunSubmitted
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that was checked, and whose spec is in the object store: ready to be kept."""

    request: SubmitRun
    submission: RunSubmitted
    fingerprint: str
    repeated: bool
    """Whether it is known that the same request became this run before."""


OnAccepted = Callable[[Unit, Accepted], None]


class Submissions:
    """Accepts runs. Raises `RejectedError` for what it does not accept."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def submit(self, request: SubmitRun, tell: OnAccepted | None = None) -> Accepted:
        """Accept a request, or find the run that the same request became before. `tell` stages an
        answer in the same transaction."""
        prepared = await self.prepare(request)

        async def work(unit: Unit) -> Accepted:
            accepted = await self.keep(unit, prepared)
            if tell is not None:
                tell(unit, accepted)
            return accepted

        return await self._database.transact(work)

    async def prepare(self, request: SubmitRun, occasion: Occasion | None = None) -> Prepared:
        """Check a request, and put its spec into the object store; nothing else is kept yet."""
        fingerprint = request_digest(request)
        known = await self._repeated(request, fingerprint)
        if known is not None:
            return Prepared(request, known, fingerprint, True)
        if request.rerun is not None:
            own_document(request)  # refuses a second source
            request, source = await self._earlier(request, request.rerun)
        else:
            source = await self._source(request)
        submission = await self._submission(request, source, occasion)
        return Prepared(request, submission, fingerprint, False)

    async def keep(self, unit: Unit, prepared: Prepared) -> Accepted:
        """Make the run part of the transaction, unless its key was taken in the meantime."""
        request, submission = prepared.request, prepared.submission
        if prepared.repeated:
            return Accepted(submission, True)
        experiment = await experiment_of(
            unit,
            request.namespace,
            request.experiment_id,
            request.experiment,
            submission.submitted_at,
        )
        limits = await store.limits(
            unit.connection, submission.pipeline.pipeline_id, submission.namespace
        )
        submission = submission.model_copy(
            update={"experiment_id": experiment.experiment_id, "limits": limits}
        )
        key = request.idempotency_key
        if await store.insert_run(unit.connection, submission, key, prepared.fingerprint):
            unit.publish(submission, submission.run_id)
            return Accepted(submission, False)
        assert key is not None
        known = await store.run_by_key(unit.connection, request.namespace, key)
        assert known is not None
        return Accepted(_same(known, prepared.fingerprint), True)

    async def check(self, request: SubmitRun, occasion: Occasion) -> None:
        """Raise `RejectedError` when a run of this request would not be accepted now."""
        document, _, _ = await self._source(request)
        fitted_parameters(
            document, request.parameters, UUID(int=0), occasion.scheduled_at, occasion
        )
        self._check_root(request)

    async def _repeated(self, request: SubmitRun, fingerprint: str) -> RunSubmitted | None:
        if request.idempotency_key is None:
            return None
        async with self._database.read() as connection:
            known = await store.run_by_key(connection, request.namespace, request.idempotency_key)
        return None if known is None else _same(known, fingerprint)

    def _check_root(self, request: SubmitRun) -> None:
        """Refuse a root that steps of the namespace could not write to, or not read again."""
        root = request.pipeline_root
        if not root:
            return
        key = self._objects.key(root)
        if key is None:
            raise _root_refused(root, "is not in this deployment's store")
        place = key.strip("/")
        if place and not may_be_lent(f"{place}/run", request.namespace):
            raise _root_refused(root, "is a place that is not the namespace's")

    async def _submission(
        self, request: SubmitRun, source: Source, occasion: Occasion | None
    ) -> RunSubmitted:
        document, identity, spec = source
        run_id, now = new_id(), datetime.now(UTC)
        self._check_root(request)
        parameters = fitted_parameters(document, request.parameters, run_id, now, occasion)
        return RunSubmitted(
            run_id=run_id,
            namespace=request.namespace,
            display_name=request.display_name or default_name(document, now),
            description=request.description,
            experiment_id=UUID(int=0),  # known within the transaction, as the limits are
            pipeline=identity,
            spec=spec or await self._freeze(document),
            parameters=parameters,
            pipeline_root=request.pipeline_root,
            service_account=request.service_account,
            submitted_at=now,
            priority=request.priority,
            deadline_seconds=deadline(document, request),
            failure_strategy=request.failure_strategy,
            caching=request.caching,
            rerun=request.rerun,
            recurring_run_id=occasion.recurring_run_id if occasion else None,
            scheduled_at=occasion.scheduled_at if occasion else None,
        )

    async def _earlier(self, request: SubmitRun, rerun: Rerun) -> tuple[SubmitRun, Source]:
        """A rerun's request made whole, and the frozen spec of the run that it repeats."""
        here = (request.namespace,)
        async with self._database.read() as connection:
            found = await store.run_by_id(connection, rerun.run_id, here)
            if found is None:
                raise _unknown(f"there is no run {rerun.run_id} to rerun", "rerun.run_id")
            earlier = found.submission
            kept = await experiment_store.by_id(connection, earlier.experiment_id, here)
        if kept is None and request.experiment is None:
            request = request.model_copy(update={"experiment": DEFAULT_EXPERIMENT})
        content = json.loads(await self._objects.get(earlier.spec.key))
        document = PipelineDocument.model_validate(content)
        check_rerun_tasks(document, rerun.tasks)
        return rerun_request(request, earlier), (document, earlier.pipeline, earlier.spec)

    async def _freeze(self, document: PipelineDocument) -> BlobRef:
        """Put the spec into the object store, once for equal specs."""
        content = frozen(document)
        ref = BlobRef(
            key=f"specs/{digest(content)}.json", bytes=len(content), sha256=digest(content)
        )
        async with self._database.read() as connection:
            known = await store.spec_known(connection, ref.sha256)
        if not known:
            await self._objects.put(ref.key, content)
        return ref

    async def _source(self, request: SubmitRun) -> Source:
        document = own_document(request)
        if document is not None:
            name = document.pipeline_spec.pipeline_info.name
            return document, PipelineIdentity(name=name), None
        assert request.pipeline is not None
        return await self._stored(request.namespace, request.pipeline)

    async def _stored(self, namespace: str, wanted: PipelineReference) -> Source:
        here = (namespace,)
        async with self._database.read() as connection:
            if wanted.pipeline_id is not None:
                pipeline = await pipeline_store.by_id(connection, wanted.pipeline_id, here)
            else:
                pipeline = await pipeline_store.by_name(connection, namespace, wanted.name or "")
            if pipeline is None:
                shown = wanted.name or wanted.pipeline_id
                raise _unknown(f"there is no pipeline {str(shown)!r}", "pipeline")
            if wanted.pipeline_version_id is not None:
                version = await pipeline_store.version_by_id(
                    connection, pipeline.pipeline_id, wanted.pipeline_version_id, here
                )
            else:
                version = await pipeline_store.version_by_name(
                    connection, pipeline.pipeline_id, wanted.version, here
                )
        if version is None:
            shown = wanted.version or wanted.pipeline_version_id
            which = "version" if shown is None else f"version {str(shown)!r}"
            raise _unknown(f"pipeline {pipeline.name!r} has no {which}", "pipeline.version")
        identity = PipelineIdentity(
            name=pipeline.name,
            pipeline_id=pipeline.pipeline_id,
            pipeline_version_id=version.pipeline_version_id,
        )
        return checked_document([version.document]), identity, None


async def experiment_of(
    unit: Unit, namespace: str, identity: UUID | None, name: str | None, now: datetime
) -> Experiment:
    """The experiment of this id, or else of this name, made when it does not exist; without
    either: ``Default``.

    Raises:
        RejectedError: there is none of this id in the namespace, or the name is too long.
    """
    if identity is not None:
        found = await experiment_store.by_id(unit.connection, identity, (namespace,))
        if found is None:
            raise _unknown(f"there is no experiment {identity}", "experiment_id")
        return found
    name = name or DEFAULT_EXPERIMENT
    if len(name) > LONGEST_EXPERIMENT_NAME:
        raise RejectedError.because(
            RejectionCode.MALFORMED,
            f"the experiment's name is longer than {LONGEST_EXPERIMENT_NAME} characters",
            "experiment",
        )
    found = await experiment_store.by_name(unit.connection, namespace, name)
    if found is None:
        await create_experiment(unit, namespace, name, "", now)
        found = await experiment_store.by_name(unit.connection, namespace, name)
    assert found is not None
    return found


async def create_experiment(
    unit: Unit, namespace: str, name: str, description: str, now: datetime
) -> Experiment | None:
    """A new experiment; None when the name is taken."""
    if name == DEFAULT_EXPERIMENT:
        description = description or _DEFAULT_DESCRIPTION
    return await experiment_store.create(unit.connection, namespace, name, description, now)


def _same(known: tuple[RunSubmitted, str], fingerprint: str) -> RunSubmitted:
    submission, known_fingerprint = known
    if known_fingerprint != fingerprint:
        raise RejectedError.because(
            RejectionCode.CONFLICT,
            "this idempotency key was used for another request",
            "idempotency_key",
        )
    return submission


def _unknown(message: str, field: str) -> RejectedError:
    return RejectedError.because(RejectionCode.NOT_FOUND, message, field)


def _root_refused(root: str, fault: str) -> RejectedError:
    return RejectedError.because(
        RejectionCode.INVALID_PARAMETER, f"pipeline_root {root!r} {fault}", "pipeline_root"
    )

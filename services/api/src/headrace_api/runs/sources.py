"""Where the spec of a new run comes from: the request, a stored pipeline, or an earlier run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.messages.commands import PipelineReference, SubmitRun
from headrace_contracts.messages.events import PipelineIdentity, Rerun
from headrace_contracts.resources import Pipeline, PipelineVersion
from headrace_contracts.values import BlobRef
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, ReadConnection

from headrace_api.errors import found
from headrace_api.experiments import store as experiment_store
from headrace_api.experiments.service import DEFAULT_EXPERIMENT
from headrace_api.pipelines import store as pipeline_store
from headrace_api.pipelines.rules.documents import checked_document
from headrace_api.runs import store
from headrace_api.runs.rules.requests import (
    check_rerun_tasks,
    digest,
    frozen,
    included_document,
    rerun_request,
)


async def included_document_of(request: SubmitRun) -> PipelineDocument | None:
    """`included_document`; in a thread if there is a package, because parsing YAML takes up to
    seconds and would block other requests."""
    if request.package is None:
        return included_document(request)
    return await asyncio.to_thread(included_document, request)


@dataclass(frozen=True, slots=True)
class Source:
    """The spec of a run, and the pipeline that it belongs to."""

    document: PipelineDocument
    pipeline: PipelineIdentity
    frozen: BlobRef | None = None
    """Where the object store has the spec; None when it is not known to be there."""


class Sources:
    """Finds the specs of new runs, and stores them. Raises `RejectedError` for what is not valid
    or does not exist."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def of(self, request: SubmitRun) -> Source:
        """The spec of a request that is not a rerun."""
        document = await included_document_of(request)
        if document is not None:
            name = document.pipeline_spec.pipeline_info.name
            return Source(document, PipelineIdentity(name=name))
        assert request.pipeline is not None
        return await self._stored(request.namespace, request.pipeline)

    async def of_rerun(self, request: SubmitRun, rerun: Rerun) -> tuple[SubmitRun, Source]:
        """The spec of the earlier run, and the request with what it leaves out taken from there."""
        included_document(request)  # rejects a request that has another source too
        scope = (request.namespace,)
        async with self._database.read() as connection:
            run = await store.run_by_id(connection, rerun.run_id, scope)
            message = f"there is no run {rerun.run_id} to rerun in namespace {request.namespace!r}"
            earlier = found(run, message, "rerun.run_id").submission
            experiment = await experiment_store.by_id(connection, earlier.experiment_id, scope)
        if experiment is None and request.experiment is None:
            request = request.model_copy(update={"experiment": DEFAULT_EXPERIMENT})
        content = json.loads(await self._objects.get(earlier.spec.key))
        document = PipelineDocument.model_validate(content)
        check_rerun_tasks(document, rerun.tasks)
        return rerun_request(request, earlier), Source(document, earlier.pipeline, earlier.spec)

    async def freeze(self, source: Source) -> BlobRef:
        """Put the spec into the object store, unless it is there. Equal specs are one object."""
        if source.frozen is not None:
            return source.frozen
        content = frozen(source.document)
        sha256 = digest(content)
        ref = BlobRef(key=f"specs/{sha256}.json", bytes=len(content), sha256=sha256)
        async with self._database.read() as connection:
            stored = await store.spec_is_stored(connection, sha256)
        if not stored:
            await self._objects.put(ref.key, content)
        return ref

    async def _stored(self, namespace: str, reference: PipelineReference) -> Source:
        async with self._database.read() as connection:
            pipeline = await _pipeline(connection, namespace, reference)
            version = await _version(connection, pipeline, reference)
        identity = PipelineIdentity(
            name=pipeline.name,
            pipeline_id=pipeline.pipeline_id,
            pipeline_version_id=version.pipeline_version_id,
        )
        # A stored spec is checked again: what is supported may have changed since the upload.
        return Source(checked_document([version.document]), identity)


async def _pipeline(
    connection: ReadConnection, namespace: str, reference: PipelineReference
) -> Pipeline:
    if reference.pipeline_id is not None:
        pipeline = await pipeline_store.by_id(connection, reference.pipeline_id, (namespace,))
    else:
        pipeline = await pipeline_store.by_name(connection, namespace, reference.name or "")
    name = str(reference.name or reference.pipeline_id)
    message = f"there is no pipeline {name!r} in namespace {namespace!r}"
    return found(pipeline, message, "pipeline")


async def _version(
    connection: ReadConnection, pipeline: Pipeline, reference: PipelineReference
) -> PipelineVersion:
    scope = (pipeline.namespace,)
    if reference.pipeline_version_id is not None:
        version = await pipeline_store.version_by_id(
            connection, pipeline.pipeline_id, reference.pipeline_version_id, scope
        )
    else:
        version = await pipeline_store.version_by_name(
            connection, pipeline.pipeline_id, reference.version, scope
        )
    name = reference.version or reference.pipeline_version_id
    which = "version" if name is None else f"version {str(name)!r}"
    return found(version, f"pipeline {pipeline.name!r} has no {which}", "pipeline.version")

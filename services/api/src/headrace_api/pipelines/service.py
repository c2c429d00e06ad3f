"""Creates pipelines and versions from packages, changes and deletes them.

A deletion breaks no run: each run has a frozen copy of its spec. A recurring run of a deleted
pipeline or version stays enabled, and reports with each slot that the pipeline does not exist.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    VersionChanges,
)
from headrace_runtime.access import require_role
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.errors import conflict, found, malformed, not_found
from headrace_api.http.idempotency import Created, IdempotentRequest, create_once
from headrace_api.http.parameters import check_unchanged
from headrace_api.pipelines import store
from headrace_api.pipelines.fetch import Fetcher
from headrace_api.pipelines.rules.documents import checked_document
from headrace_api.pipelines.rules.packages import documents_of
from headrace_api.pipelines.rules.tags import checked_tags
from headrace_api.pipelines.rules.urls import checked_url
from headrace_api.pipelines.store import Description, Source


class Pipelines:
    """Pipelines and their versions. Raises `RejectedError` for requests that are not valid, and
    for objects that the caller cannot see or change."""

    def __init__(self, database: Database, fetcher: Fetcher, space: SpaceReserve) -> None:
        self._database = database
        self._fetcher = fetcher
        self._space = space

    async def source(
        self, package: bytes, package_url: str | None, code_source_url: str | None
    ) -> Source:
        """The spec in a package: the uploaded one, or else the one at the URL."""
        if code_source_url:
            checked_url(code_source_url, "code_source_url")
        if package and package_url:
            raise malformed("give either a package or package_url, not both", "package_url")
        if package_url:
            package = await self._fetcher.fetch(package_url)
        elif not package:
            raise malformed("either a package or package_url is required", "package_url")
        # Parsing takes up to seconds; in a thread it does not block other requests.
        document = await asyncio.to_thread(lambda: checked_document(documents_of(package)))
        return Source(document, package_url or None, code_source_url or None)

    async def create(
        self,
        namespace: str,
        description: Description,
        source: Source | None,
        version_tags: dict[str, str],
        request: IdempotentRequest | None = None,
    ) -> Created[Pipeline]:
        """Create a pipeline and, if there is a source, its first version of the same name."""
        now = await self._database.time()
        version = Description(
            description.name, description.display_name, description.description, version_tags
        )

        async def create(unit: Unit) -> Pipeline | None:
            self._space.require()
            pipeline = await store.create(unit.connection, namespace, description, now)
            if pipeline is not None and source is not None:
                await store.create_version(
                    unit.connection, pipeline.pipeline_id, version, source, now
                )
            return pipeline

        async def work(unit: Unit) -> Created[Pipeline] | None:
            return await create_once(
                unit,
                request,
                namespace=namespace,
                kind="pipeline",
                create=lambda: create(unit),
                find=lambda identity: store.by_id(unit.connection, identity, (namespace,)),
                identity=lambda pipeline: pipeline.pipeline_id,
            )

        created = await self._database.transact(work)
        if created is None:
            raise conflict(
                f"pipeline {description.name!r} already exists in namespace {namespace!r}", "name"
            )
        return created

    async def get(self, caller: Access, identity: UUID) -> Pipeline:
        """One pipeline."""
        async with self._database.read() as connection:
            pipeline = await store.by_id(connection, identity, caller.visible)
        return found(pipeline, _no_pipeline(identity))

    async def get_by_name(self, namespace: str, name: str) -> Pipeline:
        """The pipeline with this name."""
        async with self._database.read() as connection:
            pipeline = await store.by_name(connection, namespace, name)
        return found(pipeline, f"there is no pipeline {name!r} in namespace {namespace!r}")

    async def page(self, page: Page) -> PipelinePage:
        """A page of the list."""
        async with self._database.read() as connection:
            return await store.page(connection, page)

    async def change(
        self,
        caller: Access,
        identity: UUID,
        changes: PipelineChanges,
        if_match: str | None = None,
    ) -> Pipeline:
        """Change the given fields, if the pipeline matches `if_match`. The limit of active runs
        needs the role ADMIN."""
        if changes.tags is not None:
            checked_tags(changes.tags)

        async def work(unit: Unit) -> Pipeline:
            pipeline = await self._locked(unit, caller, identity)
            check_unchanged(if_match, pipeline)
            if "max_active_runs" in changes.model_fields_set:
                require_role(caller, Role.ADMIN, pipeline.namespace)
            return await store.update(unit.connection, identity, changes)

        return await self._database.transact(work)

    async def delete(self, caller: Access, identity: UUID, *, cascade: bool) -> None:
        """Delete a pipeline. Without `cascade` it must have no versions."""

        async def work(unit: Unit) -> None:
            pipeline = await self._locked(unit, caller, identity)
            if not cascade and await store.has_versions(unit.connection, identity):
                raise conflict(
                    f"pipeline {pipeline.name!r} has versions; delete them first, or set cascade"
                )
            await store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def create_version(
        self,
        caller: Access,
        pipeline_id: UUID,
        description: Description,
        source: Source,
        request: IdempotentRequest | None = None,
    ) -> Created[PipelineVersion]:
        """Create a version of a pipeline."""
        now = await self._database.time()

        async def create(unit: Unit) -> PipelineVersion | None:
            self._space.require()
            return await store.create_version(
                unit.connection, pipeline_id, description, source, now
            )

        async def work(unit: Unit) -> Created[PipelineVersion] | None:
            connection, scope = unit.connection, caller.visible
            pipeline = await self._held(unit, caller, pipeline_id)
            return await create_once(
                unit,
                request,
                namespace=pipeline.namespace,
                kind="pipeline_version",
                create=lambda: create(unit),
                find=lambda identity: store.version_by_id(connection, pipeline_id, identity, scope),
                identity=lambda version: version.pipeline_version_id,
            )

        created = await self._database.transact(work)
        if created is None:
            raise conflict(f"the pipeline already has a version {description.name!r}", "name")
        return created

    async def get_version(
        self, caller: Access, pipeline_id: UUID, identity: UUID
    ) -> PipelineVersion:
        """One version."""
        async with self._database.read() as connection:
            version = await store.version_by_id(connection, pipeline_id, identity, caller.visible)
        return found(version, _no_version(identity))

    async def version_page(self, page: Page) -> PipelineVersionPage:
        """A page of the list of a pipeline's versions."""
        async with self._database.read() as connection:
            return await store.version_page(connection, page)

    async def change_version(
        self,
        caller: Access,
        pipeline_id: UUID,
        identity: UUID,
        changes: VersionChanges,
        if_match: str | None = None,
    ) -> PipelineVersion:
        """Change the given fields, if the version matches `if_match`. Its spec never changes."""
        if changes.tags is not None:
            checked_tags(changes.tags)

        async def work(unit: Unit) -> PipelineVersion:
            await self._held(unit, caller, pipeline_id)
            if if_match is not None:
                current = await store.version_by_id(
                    unit.connection, pipeline_id, identity, caller.visible
                )
                check_unchanged(if_match, found(current, _no_version(identity)))
            changed = await store.update_version(unit.connection, pipeline_id, identity, changes)
            return found(changed, _no_version(identity))

        return await self._database.transact(work)

    async def delete_version(self, caller: Access, pipeline_id: UUID, identity: UUID) -> None:
        """Delete a version."""

        async def work(unit: Unit) -> None:
            await self._held(unit, caller, pipeline_id)
            if not await store.delete_version(unit.connection, pipeline_id, identity):
                raise not_found(_no_version(identity))

        await self._database.transact(work)

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> Pipeline:
        """The pipeline, locked against changes, if the caller can change it."""
        pipeline = await store.locked_by_id(unit.connection, identity, caller.visible)
        return _editable(caller, pipeline, identity)

    async def _held(self, unit: Unit, caller: Access, identity: UUID) -> Pipeline:
        """The pipeline, locked against deletion, if the caller can change its versions."""
        pipeline = await store.held_by_id(unit.connection, identity, caller.visible)
        return _editable(caller, pipeline, identity)


def _editable(caller: Access, known: Pipeline | None, identity: UUID) -> Pipeline:
    pipeline = found(known, _no_pipeline(identity))
    require_role(caller, Role.EDITOR, pipeline.namespace)
    return pipeline


def _no_pipeline(identity: UUID) -> str:
    return f"there is no pipeline {identity}"


def _no_version(identity: UUID) -> str:
    return f"there is no pipeline version {identity}"

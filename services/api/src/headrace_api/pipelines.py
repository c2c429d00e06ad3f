"""Pipelines and versions: how they are made from packages, changed and deleted.

What is deleted breaks no run: each has a frozen copy of its spec. A recurring run that refers to
it goes on, and tells with each slot that there is no such pipeline or version.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelineVersion,
    VersionChanges,
)
from headrace_runtime.access import require
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database, Unit

from headrace_api import pipeline_store as store
from headrace_api.answers import check_unchanged, found
from headrace_api.core.packages import documents_of
from headrace_api.core.requests import checked_document
from headrace_api.core.tags import checked_tags
from headrace_api.core.urls import checked_url
from headrace_api.fetch import Fetcher
from headrace_api.once import RequestKey, once
from headrace_api.pipeline_store import Named, Source


class Pipelines:
    """Keeps pipelines. Raises `RejectedError` for what cannot be, and what the caller does not
    see or may not change."""

    def __init__(self, database: Database, fetcher: Fetcher) -> None:
        self._database = database
        self._fetcher = fetcher

    async def source(
        self, package: bytes, package_url: str | None, code_source_url: str | None
    ) -> Source:
        """What a package does: one that came along, or else the one at the URL."""
        if code_source_url:
            checked_url(code_source_url, "code_source_url")
        if package_url:
            if package:
                raise _malformed("either a package or package_url is given, not both")
            package = await self._fetcher.fetch(package_url)
        elif not package:
            raise _malformed("neither a package nor package_url is given")
        # Reading takes up to seconds; other requests go on meanwhile.
        documents = await asyncio.to_thread(documents_of, package)
        return Source(checked_document(documents), package_url or None, code_source_url or None)

    async def create(
        self,
        namespace: str,
        named: Named,
        source: Source | None,
        version_tags: dict[str, str],
        key: RequestKey | None = None,
    ) -> Pipeline:
        """A new pipeline, and its first version, of the same name, if there is a source; with a
        key, one for all its repeats."""
        now = datetime.now(UTC)
        first = Named(named.name, named.display_name, named.description, version_tags)

        async def make(unit: Unit) -> Pipeline | None:
            made = await store.create(unit.connection, namespace, named, now)
            if made is not None and source is not None:
                await store.create_version(unit.connection, made.pipeline_id, first, source, now)
            return made

        async def work(unit: Unit) -> Pipeline | None:
            return await once(
                unit,
                key,
                (namespace, "pipeline"),
                lambda: make(unit),
                lambda made: store.by_id(unit.connection, made, (namespace,)),
                lambda made: made.pipeline_id,
            )

        made = await self._database.transact(work)
        if made is None:
            raise _conflict(f"there is a pipeline {named.name!r} already", "name")
        return made

    async def get(self, caller: Access, identity: UUID) -> Pipeline:
        """One of them."""
        async with self._database.read() as connection:
            known = await store.by_id(connection, identity, caller.visible)
        return found(known, _unknown(identity))

    async def named(self, namespace: str, name: str) -> Pipeline:
        """The one of this name."""
        async with self._database.read() as connection:
            known = await store.by_name(connection, namespace, name)
        return found(known, f"there is no pipeline {name!r} in namespace {namespace!r}")

    async def change(
        self,
        caller: Access,
        identity: UUID,
        changes: PipelineChanges,
        if_match: str | None = None,
    ) -> Pipeline:
        """Change some of its fields, if it is as `if_match` says. Its limit is for an ADMIN to
        set."""
        if changes.tags is not None:
            checked_tags(changes.tags)

        async def work(unit: Unit) -> Pipeline:
            pipeline = await self._locked(unit, caller, identity)
            check_unchanged(if_match, pipeline)
            if "max_active_runs" in changes.model_fields_set:
                require(caller, Role.ADMIN, pipeline.namespace)
            return await store.update(unit.connection, identity, changes)

        return await self._database.transact(work)

    async def delete(self, caller: Access, identity: UUID, *, cascade: bool) -> None:
        """Delete it; with `cascade` its versions too, else it must have none."""

        async def work(unit: Unit) -> None:
            pipeline = await self._locked(unit, caller, identity)
            if not cascade and await store.has_versions(unit.connection, identity):
                raise _conflict(
                    f"pipeline {pipeline.name!r} has versions; delete them first, or with cascade"
                )
            await store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def create_version(
        self,
        caller: Access,
        pipeline_id: UUID,
        named: Named,
        source: Source,
        key: RequestKey | None = None,
    ) -> PipelineVersion:
        """A new version; with a key, one for all its repeats."""
        now = datetime.now(UTC)

        async def work(unit: Unit) -> PipelineVersion | None:
            connection, scope = unit.connection, caller.visible
            known = await store.held(connection, pipeline_id, scope)
            return await once(
                unit,
                key,
                (found(known, _unknown(pipeline_id)).namespace, "pipeline_version"),
                lambda: store.create_version(connection, pipeline_id, named, source, now),
                lambda made: store.version_by_id(connection, pipeline_id, made, scope),
                lambda made: made.pipeline_version_id,
            )

        made = await self._database.transact(work)
        if made is None:
            raise _conflict(f"the pipeline has a version {named.name!r} already", "name")
        return made

    async def version(self, caller: Access, pipeline_id: UUID, identity: UUID) -> PipelineVersion:
        """One version."""
        async with self._database.read() as connection:
            known = await store.version_by_id(connection, pipeline_id, identity, caller.visible)
        return found(known, _unknown_version(identity))

    async def change_version(
        self,
        caller: Access,
        pipeline_id: UUID,
        identity: UUID,
        changes: VersionChanges,
        if_match: str | None = None,
    ) -> PipelineVersion:
        """Change some of its fields, if it is as `if_match` says; what it does never changes."""
        if changes.tags is not None:
            checked_tags(changes.tags)

        async def work(unit: Unit) -> PipelineVersion:
            await self._editable(unit, caller, pipeline_id)
            if if_match is not None:
                before = await store.version_by_id(
                    unit.connection, pipeline_id, identity, caller.visible
                )
                check_unchanged(if_match, found(before, _unknown_version(identity)))
            known = await store.update_version(unit.connection, pipeline_id, identity, changes)
            return found(known, _unknown_version(identity))

        return await self._database.transact(work)

    async def delete_version(self, caller: Access, pipeline_id: UUID, identity: UUID) -> None:
        """Delete a version."""

        async def work(unit: Unit) -> None:
            await self._editable(unit, caller, pipeline_id)
            if not await store.delete_version(unit.connection, pipeline_id, identity):
                found(None, _unknown_version(identity))

        await self._database.transact(work)

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> Pipeline:
        """One of them, for a change of it by the caller."""
        known = await store.locked(unit.connection, identity, caller.visible)
        pipeline = found(known, _unknown(identity))
        require(caller, Role.EDITOR, pipeline.namespace)
        return pipeline

    async def _editable(self, unit: Unit, caller: Access, identity: UUID) -> None:
        """Refuse a caller who may not change the versions of a pipeline."""
        known = await store.held(unit.connection, identity, caller.visible)
        require(caller, Role.EDITOR, found(known, _unknown(identity)).namespace)


def _unknown(identity: UUID) -> str:
    return f"there is no pipeline {identity}"


def _unknown_version(identity: UUID) -> str:
    return f"there is no pipeline version {identity}"


def _malformed(message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.MALFORMED, message, "package_url")


def _conflict(message: str, field: str | None = None) -> RejectedError:
    return RejectedError.because(RejectionCode.CONFLICT, message, field)

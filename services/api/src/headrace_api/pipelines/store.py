"""Pipelines and their versions in Postgres."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.ids import new_id
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    VersionChanges,
)
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries

from headrace_api.pipelines.rules.documents import stored_form
from headrace_api.stores import AnyConnection, Scope, read_page

_QUERIES = load_queries("headrace_api.pipelines")


@dataclass(frozen=True, slots=True)
class Description:
    """The name, texts and tags of a new pipeline or version."""

    name: str
    display_name: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """The spec of a new version, and where its package and code are from."""

    document: PipelineDocument
    package_url: str | None = None
    code_source_url: str | None = None


async def create(
    connection: Connection, namespace: str, described: Description, now: datetime
) -> Pipeline | None:
    """Insert a pipeline; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_pipeline"],
        new_id(),
        namespace,
        described.name,
        described.display_name,
        described.description,
        described.tags,
        now,
    )
    return None if row is None else _pipeline(row)


async def by_id(connection: AnyConnection, identity: UUID, scope: Scope) -> Pipeline | None:
    """The pipeline with this id."""
    row = await connection.fetchrow(_QUERIES["pipeline_by_id"], identity, scope)
    return None if row is None else _pipeline(row)


async def held_by_id(connection: Connection, identity: UUID, scope: Scope) -> Pipeline | None:
    """The pipeline with this id; it cannot be deleted until the transaction ends."""
    row = await connection.fetchrow(_QUERIES["hold_pipeline"], identity, scope)
    return None if row is None else _pipeline(row)


async def locked_by_id(connection: Connection, identity: UUID, scope: Scope) -> Pipeline | None:
    """The pipeline with this id; it cannot be changed, nor get a version, until the transaction
    ends."""
    row = await connection.fetchrow(_QUERIES["lock_pipeline"], identity, scope)
    return None if row is None else _pipeline(row)


async def by_name(connection: AnyConnection, namespace: str, name: str) -> Pipeline | None:
    """The pipeline with this name."""
    row = await connection.fetchrow(_QUERIES["pipeline_by_name"], namespace, name)
    return None if row is None else _pipeline(row)


async def page(connection: ReadConnection, page: Page) -> PipelinePage:
    """A page of pipelines."""
    rows, rest = await read_page(connection, page, _QUERIES, "pipelines")
    return PipelinePage(pipelines=tuple(_pipeline(row) for row in rows), **rest)


async def update(connection: Connection, identity: UUID, changes: PipelineChanges) -> Pipeline:
    """Change the given fields; returns the changed pipeline."""
    row = await connection.fetchrow(
        _QUERIES["update_pipeline"],
        identity,
        changes.display_name,
        changes.description,
        changes.tags,
        "max_active_runs" in changes.model_fields_set,
        changes.max_active_runs,
    )
    return _pipeline(row)


async def has_versions(connection: Connection, identity: UUID) -> bool:
    """Whether the pipeline has versions."""
    return bool(await connection.fetchval(_QUERIES["has_versions"], identity))


async def delete(connection: Connection, identity: UUID) -> None:
    """Delete a pipeline and its versions."""
    await connection.execute(_QUERIES["delete_pipeline"], identity)


async def create_version(
    connection: Connection, pipeline_id: UUID, described: Description, source: Source, now: datetime
) -> PipelineVersion | None:
    """Insert a version; None when the name is taken."""
    row = await connection.fetchrow(
        _QUERIES["insert_version"],
        new_id(),
        pipeline_id,
        described.name,
        described.display_name,
        described.description,
        described.tags,
        source.package_url,
        source.code_source_url,
        stored_form(source.document),
        now,
    )
    return None if row is None else _version(row)


async def version_by_id(
    connection: AnyConnection, pipeline_id: UUID, identity: UUID, scope: Scope
) -> PipelineVersion | None:
    """The version with this id."""
    row = await connection.fetchrow(_QUERIES["version_by_id"], pipeline_id, identity, scope)
    return None if row is None else _version(row)


async def version_by_name(
    connection: AnyConnection, pipeline_id: UUID, name: str | None, scope: Scope
) -> PipelineVersion | None:
    """The version with this name; without a name, the newest version."""
    row = await connection.fetchrow(_QUERIES["version_by_name"], pipeline_id, name, scope)
    return None if row is None else _version(row)


async def version_page(connection: ReadConnection, page: Page) -> PipelineVersionPage:
    """A page of a pipeline's versions, without their documents."""
    rows, rest = await read_page(connection, page, _QUERIES, "versions")
    return PipelineVersionPage(pipeline_versions=tuple(_version(row) for row in rows), **rest)


async def update_version(
    connection: Connection, pipeline_id: UUID, identity: UUID, changes: VersionChanges
) -> PipelineVersion | None:
    """Change the given fields; returns the changed version, None when it does not exist."""
    row = await connection.fetchrow(
        _QUERIES["update_version"],
        pipeline_id,
        identity,
        changes.display_name,
        changes.description,
        changes.tags,
    )
    return None if row is None else _version(row)


async def delete_version(connection: Connection, pipeline_id: UUID, identity: UUID) -> bool:
    """Delete a version; False when it does not exist."""
    row = await connection.fetchrow(_QUERIES["delete_version"], pipeline_id, identity)
    return row is not None


def _pipeline(row: Any) -> Pipeline:
    return Pipeline.model_validate(dict(row))


def _version(row: Any) -> PipelineVersion:
    return PipelineVersion.model_validate(dict(row))

"""Routes of pipelines and their versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from headrace_contracts.access import NAMESPACE, Role
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    VersionChanges,
)
from headrace_runtime.access import Caller, listed_namespace, require
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database
from pydantic import BaseModel, Field

from headrace_api import pipeline_store
from headrace_api.answers import (
    DEFAULT_NAMESPACE,
    AskedPage,
    IfMatch,
    OptionalText,
    PartPage,
    Text,
    named_tags,
)
from headrace_api.lists import Lists
from headrace_api.once import IdempotencyKey, RequestKey, tell_repeat
from headrace_api.pipeline_store import Named
from headrace_api.pipelines import Pipelines


class NewVersion(BaseModel):
    """The query parameters of a new version."""

    name: Text = Field(min_length=1, max_length=127)
    display_name: Text = Field(default="", max_length=127)
    description: Text = ""
    tags: str | None = Field(default=None, max_length=40_000)
    """A JSON object of texts."""
    code_source_url: OptionalText = None
    package_url: OptionalText = None

    @property
    def named(self) -> Named:
        """What it is called; without a display name, by its name."""
        tags = named_tags("tags", self.tags)
        return Named(self.name, self.display_name or self.name, self.description, tags)


class NewPipeline(NewVersion):
    """The query parameters of a new pipeline."""

    name: Text = Field(min_length=1, max_length=128)
    display_name: Text = Field(default="", max_length=128)
    namespace: str = Field(default=DEFAULT_NAMESPACE, pattern=NAMESPACE)
    version_tags: str | None = Field(default=None, max_length=40_000)
    """The tags of the first version."""
    empty: bool = False
    """Without a version."""


def pipeline_router(
    database: Database, pipelines: Pipelines, lists: Lists, max_bytes: int
) -> APIRouter:
    """The routes over the api's parts."""
    router = APIRouter(prefix="/pipelines")

    @router.get("")
    async def list_pipelines(asked: AskedPage, name: OptionalText = None) -> PipelinePage:
        page = lists.pipelines.page(replace(asked, where={"display_name": name}))
        async with database.read() as connection:
            return await pipeline_store.page(connection, page)

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        request: Request,
        response: Response,
        asked: Annotated[NewPipeline, Query()],
        idempotency_key: IdempotencyKey = None,
    ) -> Pipeline:
        require(caller, Role.EDITOR, asked.namespace)
        named, version_tags = asked.named, named_tags("version_tags", asked.version_tags)
        package = await _body(request, max_bytes)
        if asked.empty and (package or asked.package_url):
            raise RejectedError.because(
                RejectionCode.MALFORMED, "a pipeline without a version takes no package", "empty"
            )
        source = None
        if not asked.empty:
            source = await pipelines.source(package, asked.package_url, asked.code_source_url)
        key = RequestKey.of(idempotency_key, asked.model_dump(), package)
        made = await pipelines.create(asked.namespace, named, source, version_tags, key)
        tell_repeat(response, key)
        return made

    @router.get("/by-name/{name:path}")
    async def get_named(caller: Caller, name: Text, namespace: OptionalText = None) -> Pipeline:
        here = listed_namespace(caller, namespace) or DEFAULT_NAMESPACE
        return await pipelines.named(here, name)

    @router.get("/{pipeline_id}")
    async def get(caller: Caller, pipeline_id: UUID) -> Pipeline:
        return await pipelines.get(caller, pipeline_id)

    @router.patch("/{pipeline_id}")
    async def change(
        caller: Caller, pipeline_id: UUID, changes: PipelineChanges, if_match: IfMatch = None
    ) -> Pipeline:
        return await pipelines.change(caller, pipeline_id, changes, if_match)

    @router.delete("/{pipeline_id}")
    async def delete(caller: Caller, pipeline_id: UUID, cascade: bool = False) -> dict[str, Any]:
        await pipelines.delete(caller, pipeline_id, cascade=cascade)
        return {}

    @router.get("/{pipeline_id}/versions")
    async def list_versions(
        caller: Caller, pipeline_id: UUID, asked: PartPage
    ) -> PipelineVersionPage:
        await pipelines.get(caller, pipeline_id)
        page = lists.versions.page(replace(asked, where={"pipeline_id": pipeline_id}))
        async with database.read() as connection:
            return await pipeline_store.version_page(connection, page)

    @router.post("/{pipeline_id}/versions", status_code=201)
    async def create_version(
        caller: Caller,
        pipeline_id: UUID,
        request: Request,
        response: Response,
        asked: Annotated[NewVersion, Query()],
        idempotency_key: IdempotencyKey = None,
    ) -> PipelineVersion:
        pipeline = await pipelines.get(caller, pipeline_id)
        require(caller, Role.EDITOR, pipeline.namespace)
        named = asked.named
        package = await _body(request, max_bytes)
        source = await pipelines.source(package, asked.package_url, asked.code_source_url)
        key = RequestKey.of(idempotency_key, str(pipeline_id), asked.model_dump(), package)
        made = await pipelines.create_version(caller, pipeline_id, named, source, key)
        tell_repeat(response, key)
        return made

    @router.get("/{pipeline_id}/versions/{version_id}")
    async def get_version(caller: Caller, pipeline_id: UUID, version_id: UUID) -> PipelineVersion:
        return await pipelines.version(caller, pipeline_id, version_id)

    @router.patch("/{pipeline_id}/versions/{version_id}")
    async def change_version(
        caller: Caller,
        pipeline_id: UUID,
        version_id: UUID,
        changes: VersionChanges,
        if_match: IfMatch = None,
    ) -> PipelineVersion:
        return await pipelines.change_version(caller, pipeline_id, version_id, changes, if_match)

    @router.delete("/{pipeline_id}/versions/{version_id}")
    async def delete_version(caller: Caller, pipeline_id: UUID, version_id: UUID) -> dict[str, Any]:
        await pipelines.delete_version(caller, pipeline_id, version_id)
        return {}

    return router


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE, f"the package is larger than {limit // 1024**2} MiB"
            )
    return bytes(body)

"""Routes of pipelines and their versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from headrace_contracts.access import NAMESPACE, Role
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    VersionChanges,
)
from headrace_runtime.access import Caller, listed_namespace, require_role
from headrace_runtime.lists.tokens import TokenSigner
from pydantic import BaseModel, Field

from headrace_api.errors import malformed
from headrace_api.http.bodies import read_package
from headrace_api.http.idempotency import IdempotencyKey, IdempotentRequest, creation_response
from headrace_api.http.parameters import (
    DEFAULT_NAMESPACE,
    IfMatch,
    NamespacePageParameters,
    OptionalText,
    PageParameters,
    StorableText,
)
from headrace_api.pipelines.lists import pipeline_list, version_list
from headrace_api.pipelines.rules.tags import parsed_tags
from headrace_api.pipelines.service import Pipelines
from headrace_api.pipelines.store import Description, Source


class NewVersion(BaseModel):
    """The query parameters of a new version."""

    name: StorableText = Field(min_length=1, max_length=127)
    display_name: StorableText = Field(default="", max_length=127)
    """Empty: the same as the name."""
    description: StorableText = ""
    tags: str | None = Field(default=None, max_length=40_000)
    """A JSON object of strings."""
    code_source_url: OptionalText = None
    package_url: OptionalText = None

    def described(self) -> Description:
        """The name, texts and tags.

        Raises:
            RejectedError: the tags are not valid.
        """
        tags = parsed_tags(self.tags, "tags")
        return Description(self.name, self.display_name or self.name, self.description, tags)


class NewPipeline(NewVersion):
    """The query parameters of a new pipeline."""

    name: StorableText = Field(min_length=1, max_length=128)
    display_name: StorableText = Field(default="", max_length=128)
    namespace: str = Field(default=DEFAULT_NAMESPACE, pattern=NAMESPACE)
    version_tags: str | None = Field(default=None, max_length=40_000)
    """The tags of the first version."""
    empty: bool = False
    """Whether the pipeline starts without a version."""


def pipeline_router(pipelines: Pipelines, signer: TokenSigner, max_package_bytes: int) -> APIRouter:
    """The routes below ``/pipelines``."""
    router = APIRouter(prefix="/pipelines")
    _add_pipeline_routes(router, pipelines, signer, max_package_bytes)
    _add_version_routes(router, pipelines, signer, max_package_bytes)
    return router


def _add_pipeline_routes(
    router: APIRouter, pipelines: Pipelines, signer: TokenSigner, max_package_bytes: int
) -> None:
    list_definition = pipeline_list(signer)

    @router.get("")
    async def list_pipelines(
        request: NamespacePageParameters, name: OptionalText = None
    ) -> PipelinePage:
        page = list_definition.page(replace(request, where={"display_name": name}))
        return await pipelines.page(page)

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        http_request: Request,
        response: Response,
        new: Annotated[NewPipeline, Query()],
        idempotency_key: IdempotencyKey = None,
    ) -> Pipeline:
        require_role(caller, Role.EDITOR, new.namespace)
        description, version_tags = new.described(), parsed_tags(new.version_tags, "version_tags")
        package = await read_package(http_request.stream(), max_package_bytes)
        source = await _first_source(pipelines, new, package)
        request = IdempotentRequest.of(idempotency_key, new.model_dump(), package)
        created = await pipelines.create(new.namespace, description, source, version_tags, request)
        return creation_response(response, created)

    @router.get("/by-name/{name:path}")
    async def get_by_name(
        caller: Caller, name: StorableText, namespace: OptionalText = None
    ) -> Pipeline:
        searched = listed_namespace(caller, namespace) or DEFAULT_NAMESPACE
        return await pipelines.get_by_name(searched, name)

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


def _add_version_routes(
    router: APIRouter, pipelines: Pipelines, signer: TokenSigner, max_package_bytes: int
) -> None:
    list_definition = version_list(signer)

    @router.get("/{pipeline_id}/versions")
    async def list_versions(
        caller: Caller, pipeline_id: UUID, request: PageParameters
    ) -> PipelineVersionPage:
        await pipelines.get(caller, pipeline_id)
        page = list_definition.page(replace(request, where={"pipeline_id": pipeline_id}))
        return await pipelines.version_page(page)

    @router.post("/{pipeline_id}/versions", status_code=201)
    async def create_version(
        caller: Caller,
        pipeline_id: UUID,
        http_request: Request,
        response: Response,
        new: Annotated[NewVersion, Query()],
        idempotency_key: IdempotencyKey = None,
    ) -> PipelineVersion:
        pipeline = await pipelines.get(caller, pipeline_id)
        require_role(caller, Role.EDITOR, pipeline.namespace)
        description = new.described()
        package = await read_package(http_request.stream(), max_package_bytes)
        source = await pipelines.source(package, new.package_url, new.code_source_url)
        request = IdempotentRequest.of(idempotency_key, str(pipeline_id), new.model_dump(), package)
        created = await pipelines.create_version(caller, pipeline_id, description, source, request)
        return creation_response(response, created)

    @router.get("/{pipeline_id}/versions/{version_id}")
    async def get_version(caller: Caller, pipeline_id: UUID, version_id: UUID) -> PipelineVersion:
        return await pipelines.get_version(caller, pipeline_id, version_id)

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


async def _first_source(pipelines: Pipelines, new: NewPipeline, package: bytes) -> Source | None:
    """The spec of a new pipeline's first version; None when the pipeline starts without one."""
    if not new.empty:
        return await pipelines.source(package, new.package_url, new.code_source_url)
    if package or new.package_url:
        raise malformed("a pipeline that is created empty takes no package", "empty")
    return None

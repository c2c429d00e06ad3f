"""``/api/v1/pipelines``: pipelines and their versions."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from headrace_contracts.resources import (
    Pipeline,
    PipelineChanges,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
    VersionChanges,
)

from headrace_ui_gateway.rest.description.document import (
    CONFLICT,
    ETAG,
    IDEMPOTENCY_KEY,
    PRECONDITION,
    UPLOAD,
)
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.errors import malformed
from headrace_ui_gateway.rest.http.parameters import IfMatch, IfNoneMatch, InnerListQuery, ListQuery
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.rest.http.uploads import read_package
from headrace_ui_gateway.rest.models import Done
from headrace_ui_gateway.upstream.client import ServiceClient

_Tags = Annotated[str | None, Query(description='As JSON: `{"team": "search"}`.')]
_Url = Annotated[str | None, Query(max_length=2048)]
_PackageUrl = Annotated[
    str | None, Query(max_length=2048, description="URL of the package, instead of a body.")
]
_Name = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=128,
        description="Default: the name of the form's file without its suffix.",
    ),
]
_SUFFIXES = (".yaml", ".yml", ".json", ".zip", ".tar.gz", ".tgz")


def pipelines_router(api: ServiceClient, max_package_bytes: int) -> APIRouter:
    """The routes of pipelines and their versions."""
    router = new_router("pipelines")

    @router.post(
        "/pipelines",
        status_code=201,
        response_model=Pipeline,
        responses={200: {}, **CONFLICT},
        openapi_extra=UPLOAD,
    )
    async def create_pipeline(
        request: Request,
        name: _Name = None,
        namespace: Annotated[str, Query(min_length=1, max_length=63)] = "default",
        display_name: Annotated[str | None, Query(max_length=128)] = None,
        description: Annotated[str | None, Query(max_length=65536)] = None,
        tags: _Tags = None,
        code_source_url: _Url = None,
        package_url: _PackageUrl = None,
        empty: Annotated[bool, Query(description="A pipeline without versions.")] = False,
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Create a pipeline from a package, which becomes its first version. Its name must be
        unique in the namespace."""
        package = await read_package(request, max_package_bytes)
        params = {
            "name": _name_or_file_name(name, package.file_name),
            "namespace": namespace,
            "display_name": display_name,
            "description": description,
            "tags": tags,
            "code_source_url": code_source_url,
            "package_url": package_url,
            "empty": "true" if empty else None,
        }
        made, status = await api.post_idempotent(
            Pipeline, "/pipelines", package.content, idempotency_key, **params
        )
        return resource_response(made, status_code=status)

    @router.get("/pipelines")
    async def list_pipelines(query: ListQuery) -> PipelinePage:
        """List pipelines, newest first. Fields of `filter` and `sort_by`: pipeline_id, name,
        display_name, description, created_at; `filter` also takes `tags.<key>`."""
        return await api.get(PipelinePage, "/pipelines", **query)

    @router.get("/pipelines/by-name/{name}", response_model=Pipeline, responses=ETAG)
    async def get_pipeline_by_name(
        name: Annotated[str, Path(min_length=1, max_length=128)],
        namespace: Annotated[str | None, Query(max_length=63)] = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Read a pipeline by its name."""
        found = await api.get(
            Pipeline, f"/pipelines/by-name/{quote(name, safe='')}", namespace=namespace
        )
        return resource_response(found, if_none_match)

    @router.get("/pipelines/{pipeline_id}", response_model=Pipeline, responses=ETAG)
    async def get_pipeline(pipeline_id: UUID, if_none_match: IfNoneMatch = None) -> Response:
        """Read a pipeline."""
        found = await api.get(Pipeline, f"/pipelines/{pipeline_id}")
        return resource_response(found, if_none_match)

    @router.patch("/pipelines/{pipeline_id}", response_model=Pipeline, responses=PRECONDITION)
    async def edit_pipeline(
        pipeline_id: UUID,
        changes: Annotated[PipelineChanges, Depends(JsonBody(PipelineChanges))],
        if_match: IfMatch = None,
    ) -> Response:
        """Change a pipeline's names, description, tags or limit. Only admins may change the
        limit."""
        body = changes.model_dump(mode="json", exclude_unset=True)
        path = f"/pipelines/{pipeline_id}"
        return resource_response(await api.change(Pipeline, "PATCH", path, body, if_match))

    @router.delete("/pipelines/{pipeline_id}", responses=CONFLICT)
    async def delete_pipeline(
        pipeline_id: UUID,
        cascade: Annotated[bool, Query(description="Delete its versions too.")] = False,
    ) -> Done:
        """Delete a pipeline. With versions only by `cascade`. Its runs stay."""
        params = {"cascade": "true"} if cascade else {}
        await api.call("DELETE", f"/pipelines/{pipeline_id}", params=params)
        return Done()

    _add_versions(router, api, max_package_bytes)
    return router


def _add_versions(router: APIRouter, api: ServiceClient, max_package_bytes: int) -> None:
    @router.post(
        "/pipelines/{pipeline_id}/versions",
        status_code=201,
        response_model=PipelineVersion,
        responses={200: {}, **CONFLICT},
        openapi_extra=UPLOAD,
    )
    async def create_version(
        request: Request,
        pipeline_id: UUID,
        name: _Name = None,
        display_name: Annotated[str | None, Query(max_length=127)] = None,
        description: Annotated[str | None, Query(max_length=65536)] = None,
        tags: _Tags = None,
        code_source_url: _Url = None,
        package_url: _PackageUrl = None,
        idempotency_key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
    ) -> Response:
        """Create a version of a pipeline from a package. Its name must be unique in the
        pipeline."""
        package = await read_package(request, max_package_bytes)
        params = {
            "name": _name_or_file_name(name, package.file_name),
            "display_name": display_name,
            "description": description,
            "tags": tags,
            "code_source_url": code_source_url,
            "package_url": package_url,
        }
        path = f"/pipelines/{pipeline_id}/versions"
        made, status = await api.post_idempotent(
            PipelineVersion, path, package.content, idempotency_key, **params
        )
        return resource_response(made, status_code=status)

    @router.get("/pipelines/{pipeline_id}/versions")
    async def list_versions(pipeline_id: UUID, query: InnerListQuery) -> PipelineVersionPage:
        """List a pipeline's versions, newest first, without their specs. Fields of `filter` and
        `sort_by`: pipeline_version_id, name, display_name, description, created_at; `filter` also
        takes `tags.<key>`."""
        path = f"/pipelines/{pipeline_id}/versions"
        return await api.get(PipelineVersionPage, path, **query)

    @router.get(
        "/pipelines/{pipeline_id}/versions/{version_id}",
        response_model=PipelineVersion,
        responses=ETAG,
    )
    async def get_version(
        pipeline_id: UUID, version_id: UUID, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Read a pipeline version with its spec."""
        path = f"/pipelines/{pipeline_id}/versions/{version_id}"
        return resource_response(await api.get(PipelineVersion, path), if_none_match)

    @router.patch(
        "/pipelines/{pipeline_id}/versions/{version_id}",
        response_model=PipelineVersion,
        responses=PRECONDITION,
    )
    async def edit_version(
        pipeline_id: UUID,
        version_id: UUID,
        changes: Annotated[VersionChanges, Depends(JsonBody(VersionChanges))],
        if_match: IfMatch = None,
    ) -> Response:
        """Change a version's display name, description or tags. Its spec cannot change."""
        path = f"/pipelines/{pipeline_id}/versions/{version_id}"
        body = changes.model_dump(mode="json", exclude_unset=True)
        return resource_response(await api.change(PipelineVersion, "PATCH", path, body, if_match))

    @router.delete("/pipelines/{pipeline_id}/versions/{version_id}")
    async def delete_version(pipeline_id: UUID, version_id: UUID) -> Done:
        """Delete a pipeline version; its runs stay."""
        await api.call("DELETE", f"/pipelines/{pipeline_id}/versions/{version_id}")
        return Done()


def _name_or_file_name(name: str | None, file_name: str | None) -> str:
    """The given name, or else the file's without its suffix."""
    found = name or file_name or ""
    if name is None:
        for suffix in _SUFFIXES:
            found = found.removesuffix(suffix)
    if not found:
        raise malformed("name is required", "name")
    return found

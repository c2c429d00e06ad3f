"""``/apis/v2beta1/pipelines``, except uploads."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Query, Response
from headrace_contracts.resources import (
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
)
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.kfp.http import (
    ERRORS,
    STORABLE,
    KfpContext,
    Paged,
    Text,
    conflicts_as,
    message_response,
)
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import (
    Empty,
    V2beta1CreatePipelineAndVersionRequest,
    V2beta1ListPipelinesResponse,
    V2beta1ListPipelineVersionsResponse,
    V2beta1Pipeline,
    V2beta1PipelineVersion,
)
from headrace_ui_gateway.kfp.translate.lists import PIPELINES, VERSIONS
from headrace_ui_gateway.kfp.translate.resources import pipeline, pipelines, version, versions
from headrace_ui_gateway.upstream.client import ServiceClient

_CHANGEABLE = ("display_name", "description", "tags")


def pipeline_router(context: KfpContext) -> APIRouter:
    """The routes of pipelines."""
    router = APIRouter(prefix="/v2beta1/pipelines", tags=["Pipelines"], responses=ERRORS)
    api, multi_user = context.api, context.multi_user

    @router.get(
        "",
        operation_id="PipelineService_ListPipelines",
        response_model=V2beta1ListPipelinesResponse,
    )
    async def list_pipelines(paging: Paged, namespace: Text = "") -> Response:
        """List pipelines. Filters may use tags as `tags.<name>`."""
        parameters = context.list_params(PIPELINES, paging, namespace)
        page = await api.get(PipelinePage, "/pipelines", **parameters)
        return message_response(pipelines(page, multi_user=multi_user))

    @router.post("", operation_id="PipelineService_CreatePipeline", response_model=V2beta1Pipeline)
    async def create(body: Annotated[V2beta1Pipeline, STORABLE, Body()]) -> Response:
        """Create a pipeline without versions. Add them by an upload or a URL."""
        made = await _create(context, body)
        return message_response(pipeline(made, multi_user=multi_user))

    @router.post(
        "/create",
        operation_id="PipelineService_CreatePipelineAndVersion",
        response_model=V2beta1Pipeline,
    )
    async def create_both(
        body: Annotated[V2beta1CreatePipelineAndVersionRequest, STORABLE, Body()],
    ) -> Response:
        """Create a pipeline and its first version. By default the version has the pipeline's
        name."""
        if body.pipeline is None or body.pipeline_version is None:
            raise errors.invalid("pipeline and pipeline_version are required", "pipeline_version")
        wanted = body.pipeline_version
        _source_of(wanted)
        made = await _create(context, body.pipeline)
        try:
            await _create_version(api, f"/pipelines/{made.pipeline_id}", wanted, made.name)
        except (RejectedError, RetryableError):
            await api.call("DELETE", f"/pipelines/{made.pipeline_id}")
            raise
        return message_response(pipeline(made, multi_user=multi_user))

    @router.get(
        "/names/{name:path}",
        operation_id="PipelineService_GetPipelineByName",
        response_model=V2beta1Pipeline,
    )
    async def get_by_name(name: Text, namespace: Text = "") -> Response:
        path = f"/pipelines/by-name/{quote(name, safe='')}"
        found = await api.get(Pipeline, path, namespace=context.namespace(namespace))
        return message_response(pipeline(found, multi_user=multi_user))

    @router.get(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_GetPipeline",
        response_model=V2beta1Pipeline,
    )
    async def get(pipeline_id: str) -> Response:
        found = await api.get(Pipeline, _path(pipeline_id))
        return message_response(pipeline(found, multi_user=multi_user))

    @router.patch(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_UpdatePipeline",
        response_model=V2beta1Pipeline,
    )
    async def update(
        pipeline_id: str, body: Annotated[V2beta1Pipeline, STORABLE, Body()]
    ) -> Response:
        """Change the display name, description or tags that are given; `"tags": {}` removes all
        tags."""
        path = _path(pipeline_id)
        changed = await api.call("PATCH", path, json=_changes(body))
        found = Pipeline.model_validate_json(changed.content)
        return message_response(pipeline(found, multi_user=multi_user))

    @router.delete(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_DeletePipeline",
        response_model=Empty,
    )
    async def delete(pipeline_id: str, cascade: Annotated[bool, Query()] = False) -> Response:
        """Delete a pipeline. With versions only by `cascade`, which deletes them too."""
        more = {"cascade": "true"} if cascade else {}
        async with conflicts_as(errors.FAILED_PRECONDITION):
            await api.call("DELETE", _path(pipeline_id), params=more)
        return message_response(Empty())

    return router


def version_router(context: KfpContext) -> APIRouter:
    """The routes of a pipeline's versions."""
    router = APIRouter(
        prefix="/v2beta1/pipelines/{pipeline_id:kfp_id}/versions",
        tags=["Pipeline versions"],
        responses=ERRORS,
    )
    api = context.api

    @router.get(
        "",
        operation_id="PipelineService_ListPipelineVersions",
        response_model=V2beta1ListPipelineVersionsResponse,
    )
    async def list_versions(pipeline_id: str, paging: Paged) -> Response:
        """List versions, without their specs."""
        parameters = context.list_params(VERSIONS, paging)
        parameters.pop("namespace")  # the pipeline determines it
        page = await api.get(PipelineVersionPage, f"{_path(pipeline_id)}/versions", **parameters)
        return message_response(versions(page))

    @router.post(
        "",
        operation_id="PipelineService_CreatePipelineVersion",
        response_model=V2beta1PipelineVersion,
    )
    async def create_version(
        pipeline_id: str, body: Annotated[V2beta1PipelineVersion, STORABLE, Body()]
    ) -> Response:
        """Create a version from the package at `package_url`, or from `pipeline_spec`."""
        return message_response(version(await _create_version(api, _path(pipeline_id), body)))

    @router.get(
        "/{pipeline_version_id:kfp_id}",
        operation_id="PipelineService_GetPipelineVersion",
        response_model=V2beta1PipelineVersion,
    )
    async def get_version(pipeline_id: str, pipeline_version_id: str) -> Response:
        path = _version_path(pipeline_id, pipeline_version_id)
        return message_response(version(await api.get(PipelineVersion, path)))

    @router.patch(
        "/{pipeline_version_id:kfp_id}",
        operation_id="PipelineService_UpdatePipelineVersion",
        response_model=V2beta1PipelineVersion,
    )
    async def update_version(
        pipeline_id: str,
        pipeline_version_id: str,
        body: Annotated[V2beta1PipelineVersion, STORABLE, Body()],
    ) -> Response:
        """Change the display name, description or tags that are given."""
        path = _version_path(pipeline_id, pipeline_version_id)
        changed = await api.call("PATCH", path, json=_changes(body))
        return message_response(version(PipelineVersion.model_validate_json(changed.content)))

    @router.delete(
        "/{pipeline_version_id:kfp_id}",
        operation_id="PipelineService_DeletePipelineVersion",
        response_model=Empty,
    )
    async def delete_version(pipeline_id: str, pipeline_version_id: str) -> Response:
        await api.call("DELETE", _version_path(pipeline_id, pipeline_version_id))
        return message_response(Empty())

    return router


async def _create(context: KfpContext, body: V2beta1Pipeline) -> Pipeline:
    name = body.name or body.display_name
    if not name:
        raise errors.invalid("name and display_name are both empty", "name")
    return await context.api.post(
        Pipeline,
        "/pipelines",
        b"",
        empty="true",
        name=name,
        display_name=body.display_name or None,
        description=body.description or None,
        namespace=context.namespace_to_create_in(body.namespace),
        tags=json.dumps(body.tags) if body.tags else None,
    )


async def _create_version(
    api: ServiceClient, pipeline_path: str, body: V2beta1PipelineVersion, name: str = ""
) -> PipelineVersion:
    package, url = _source_of(body)
    name = body.name or body.display_name or name
    if not name:
        raise errors.invalid("name and display_name are both empty", "name")
    return await api.post(
        PipelineVersion,
        f"{pipeline_path}/versions",
        package,
        name=name,
        display_name=body.display_name or None,
        description=body.description or None,
        tags=json.dumps(body.tags) if body.tags else None,
        code_source_url=body.code_source_url or None,
        package_url=url,
    )


def _source_of(body: V2beta1PipelineVersion) -> tuple[bytes, str | None]:
    """The package, or its URL.

    Raises:
        RejectedError: neither or both are given.
    """
    url = body.package_url.pipeline_url if body.package_url else ""
    if bool(url) == bool(body.pipeline_spec):
        raise errors.invalid(
            "exactly one of package_url.pipeline_url and pipeline_spec is required", "package_url"
        )
    return (b"", url) if url else (json.dumps(body.pipeline_spec).encode(), None)


def _changes(body: V2beta1Pipeline | V2beta1PipelineVersion) -> dict[str, Any]:
    given = body.model_fields_set
    return {name: getattr(body, name) for name in _CHANGEABLE if name in given}


def _path(pipeline_id: str) -> str:
    return f"/pipelines/{errors.parse_id(pipeline_id, 'pipeline')}"


def _version_path(pipeline_id: str, pipeline_version_id: str) -> str:
    found = errors.parse_id(pipeline_version_id, "pipeline version")
    return f"{_path(pipeline_id)}/versions/{found}"

"""``/apis/v2beta1/pipelines``, but for uploads."""

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
    Paged,
    Parts,
    Text,
    answer,
    conflicts_as,
)
from headrace_ui_gateway.kfp.messages import errors as kfp
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
from headrace_ui_gateway.upstream.client import Backend

_CHANGEABLE = ("display_name", "description", "tags")


def kfp_pipeline_router(parts: Parts) -> APIRouter:
    """The routes of pipelines."""
    router = APIRouter(prefix="/v2beta1/pipelines", tags=["Pipelines"], responses=ERRORS)
    api, multi_user = parts.api, parts.multi_user

    @router.get(
        "",
        operation_id="PipelineService_ListPipelines",
        response_model=V2beta1ListPipelinesResponse,
    )
    async def list_pipelines(paging: Paged, namespace: Text = "") -> Response:
        """Tags can be filtered by as `tags.<name>`."""
        parameters = parts.asked(PIPELINES, paging, namespace)
        page = await api.get(PipelinePage, "/pipelines", **parameters)
        return answer(pipelines(page, multi_user=multi_user))

    @router.post("", operation_id="PipelineService_CreatePipeline", response_model=V2beta1Pipeline)
    async def create(body: Annotated[V2beta1Pipeline, STORABLE, Body()]) -> Response:
        """Without a version; these come by an upload or a URL."""
        made = await _create(parts, body)
        return answer(pipeline(made, multi_user=multi_user))

    @router.post(
        "/create",
        operation_id="PipelineService_CreatePipelineAndVersion",
        response_model=V2beta1Pipeline,
    )
    async def create_both(
        body: Annotated[V2beta1CreatePipelineAndVersionRequest, STORABLE, Body()],
    ) -> Response:
        """The first version has the pipeline's name unless it is given its own."""
        if body.pipeline is None or body.pipeline_version is None:
            raise kfp.invalid("pipeline and pipeline_version have to be given", "pipeline_version")
        wanted = body.pipeline_version
        _source_of(wanted)
        made = await _create(parts, body.pipeline)
        try:
            await _create_version(api, f"/pipelines/{made.pipeline_id}", wanted, made.name)
        except (RejectedError, RetryableError):
            await api.call("DELETE", f"/pipelines/{made.pipeline_id}")
            raise
        return answer(pipeline(made, multi_user=multi_user))

    @router.get(
        "/names/{name:path}",
        operation_id="PipelineService_GetPipelineByName",
        response_model=V2beta1Pipeline,
    )
    async def get_by_name(name: Text, namespace: Text = "") -> Response:
        path = f"/pipelines/by-name/{quote(name, safe='')}"
        found = await api.get(Pipeline, path, namespace=parts.namespace(namespace))
        return answer(pipeline(found, multi_user=multi_user))

    @router.get(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_GetPipeline",
        response_model=V2beta1Pipeline,
    )
    async def get(pipeline_id: str) -> Response:
        found = await api.get(Pipeline, _path(pipeline_id))
        return answer(pipeline(found, multi_user=multi_user))

    @router.patch(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_UpdatePipeline",
        response_model=V2beta1Pipeline,
    )
    async def update(
        pipeline_id: str, body: Annotated[V2beta1Pipeline, STORABLE, Body()]
    ) -> Response:
        """Changes the display name, the description and the tags, as far as they are given;
        `"tags": {}` takes all of them away."""
        path = _path(pipeline_id)
        changed = await api.call("PATCH", path, json=_changes(body))
        found = Pipeline.model_validate_json(changed.content)
        return answer(pipeline(found, multi_user=multi_user))

    @router.delete(
        "/{pipeline_id:kfp_id}",
        operation_id="PipelineService_DeletePipeline",
        response_model=Empty,
    )
    async def delete(pipeline_id: str, cascade: Annotated[bool, Query()] = False) -> Response:
        """Refused while it has versions, unless they are to go with it."""
        more = {"cascade": "true"} if cascade else {}
        async with conflicts_as(kfp.FAILED_PRECONDITION):
            await api.call("DELETE", _path(pipeline_id), params=more)
        return answer(Empty())

    return router


def kfp_version_router(parts: Parts) -> APIRouter:
    """The routes of a pipeline's versions."""
    router = APIRouter(
        prefix="/v2beta1/pipelines/{pipeline_id:kfp_id}/versions",
        tags=["Pipeline versions"],
        responses=ERRORS,
    )
    api = parts.api

    @router.get(
        "",
        operation_id="PipelineService_ListPipelineVersions",
        response_model=V2beta1ListPipelineVersionsResponse,
    )
    async def list_versions(pipeline_id: str, paging: Paged) -> Response:
        """Without their specs."""
        parameters = parts.asked(VERSIONS, paging)
        parameters.pop("namespace")  # it is the pipeline's
        page = await api.get(PipelineVersionPage, f"{_path(pipeline_id)}/versions", **parameters)
        return answer(versions(page))

    @router.post(
        "",
        operation_id="PipelineService_CreatePipelineVersion",
        response_model=V2beta1PipelineVersion,
    )
    async def create_version(
        pipeline_id: str, body: Annotated[V2beta1PipelineVersion, STORABLE, Body()]
    ) -> Response:
        """From the package at `package_url`, or from `pipeline_spec`."""
        return answer(version(await _create_version(api, _path(pipeline_id), body)))

    @router.get(
        "/{pipeline_version_id:kfp_id}",
        operation_id="PipelineService_GetPipelineVersion",
        response_model=V2beta1PipelineVersion,
    )
    async def get_version(pipeline_id: str, pipeline_version_id: str) -> Response:
        path = _version_path(pipeline_id, pipeline_version_id)
        return answer(version(await api.get(PipelineVersion, path)))

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
        """Changes the display name, the description and the tags, as far as they are given."""
        path = _version_path(pipeline_id, pipeline_version_id)
        changed = await api.call("PATCH", path, json=_changes(body))
        return answer(version(PipelineVersion.model_validate_json(changed.content)))

    @router.delete(
        "/{pipeline_version_id:kfp_id}",
        operation_id="PipelineService_DeletePipelineVersion",
        response_model=Empty,
    )
    async def delete_version(pipeline_id: str, pipeline_version_id: str) -> Response:
        await api.call("DELETE", _version_path(pipeline_id, pipeline_version_id))
        return answer(Empty())

    return router


async def _create(parts: Parts, body: V2beta1Pipeline) -> Pipeline:
    name = body.name or body.display_name
    if not name:
        raise kfp.invalid("name and display_name are both empty", "name")
    return await parts.api.send(
        Pipeline,
        "/pipelines",
        b"",
        empty="true",
        name=name,
        display_name=body.display_name or None,
        description=body.description or None,
        namespace=parts.home(body.namespace),
        tags=json.dumps(body.tags) if body.tags else None,
    )


async def _create_version(
    api: Backend, of: str, body: V2beta1PipelineVersion, name: str = ""
) -> PipelineVersion:
    package, url = _source_of(body)
    name = body.name or body.display_name or name
    if not name:
        raise kfp.invalid("name and display_name are both empty", "name")
    return await api.send(
        PipelineVersion,
        f"{of}/versions",
        package,
        name=name,
        display_name=body.display_name or None,
        description=body.description or None,
        tags=json.dumps(body.tags) if body.tags else None,
        code_source_url=body.code_source_url or None,
        package_url=url,
    )


def _source_of(body: V2beta1PipelineVersion) -> tuple[bytes, str | None]:
    """The package, or the URL where it lies.

    Raises:
        RejectedError: there is neither, or there are both.
    """
    url = body.package_url.pipeline_url if body.package_url else ""
    if bool(url) == bool(body.pipeline_spec):
        raise kfp.invalid(
            "one of package_url.pipeline_url and pipeline_spec has to be given", "package_url"
        )
    return (b"", url) if url else (json.dumps(body.pipeline_spec).encode(), None)


def _changes(body: V2beta1Pipeline | V2beta1PipelineVersion) -> dict[str, Any]:
    given = body.model_fields_set
    return {name: getattr(body, name) for name in _CHANGEABLE if name in given}


def _path(pipeline_id: str) -> str:
    return f"/pipelines/{kfp.identity(pipeline_id, 'pipeline')}"


def _version_path(pipeline_id: str, pipeline_version_id: str) -> str:
    found = kfp.identity(pipeline_version_id, "pipeline version")
    return f"{_path(pipeline_id)}/versions/{found}"

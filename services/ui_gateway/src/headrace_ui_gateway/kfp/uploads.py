"""Uploads of packages: ``/apis/v2beta1/pipelines/upload`` and ``/upload_version``."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from headrace_contracts.resources import Pipeline, PipelineVersion
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.http import RETRY_AFTER, unavailable_text
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from headrace_ui_gateway.kfp.http import JSON, UPLOAD_ERRORS, KfpContext, Text, message_response
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import (
    UploadError,
    V2beta1Pipeline,
    V2beta1PipelineVersion,
)
from headrace_ui_gateway.kfp.messages.wire import Message
from headrace_ui_gateway.kfp.translate.resources import pipeline, version

_PART = "uploadfile"
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [_PART],
                    "properties": {_PART: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
_Tags = Annotated[Text, Query(description="A JSON object of strings")]


def upload_router(context: KfpContext) -> APIRouter:
    """The routes of uploads. Their errors have a format of their own, as in KFP."""
    router = APIRouter(prefix="/v2beta1/pipelines", tags=["Pipelines"], responses=UPLOAD_ERRORS)
    api = context.api

    @router.post(
        "/upload",
        operation_id="UploadPipeline",
        response_model=V2beta1Pipeline,
        openapi_extra=_FORM,
    )
    async def upload(
        request: Request,
        name: Text = "",
        display_name: Text = "",
        description: Text = "",
        namespace: Text = "",
        tags: _Tags = "",
        code_source_url: Text = "",
    ) -> Response:
        """Upload a package as a file: yaml, json, zip or tar.gz. This creates a pipeline and its
        first version. The default name is the file's."""

        async def create() -> Message:
            filename, package = await _read_file(request)
            found = await api.post(
                Pipeline,
                "/pipelines",
                package,
                name=name or display_name or filename,
                display_name=display_name or None,
                description=description or None,
                namespace=context.namespace_to_create_in(namespace),
                tags=tags or None,
                code_source_url=code_source_url or None,
            )
            return pipeline(found, multi_user=context.multi_user)

        return await _upload_response(create())

    @router.post(
        "/upload_version",
        operation_id="UploadPipelineVersion",
        response_model=V2beta1PipelineVersion,
        openapi_extra=_FORM,
    )
    async def upload_version(
        request: Request,
        pipelineid: Text = "",
        name: Text = "",
        display_name: Text = "",
        description: Text = "",
        tags: _Tags = "",
        code_source_url: Text = "",
    ) -> Response:
        """Upload a package as a file. This creates a new version of a pipeline."""

        async def create() -> Message:
            if not pipelineid:
                raise errors.invalid("pipelineid is missing", "pipelineid")
            path = f"/pipelines/{errors.parse_id(pipelineid, 'pipeline')}/versions"
            filename, package = await _read_file(request)
            found = await api.post(
                PipelineVersion,
                path,
                package,
                name=name or display_name or filename,
                display_name=display_name or None,
                description=description or None,
                tags=tags or None,
                code_source_url=code_source_url or None,
            )
            return version(found)

        return await _upload_response(create())

    return router


async def _read_file(request: Request) -> tuple[str, bytes]:
    """The file of an upload: its name without folders, and its content.

    Raises:
        RejectedError: the form does not have exactly one file, named ``uploadfile``.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise errors.invalid("the upload is not multipart/form-data", _PART)
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get(_PART)
            if not isinstance(file, UploadFile) or not file.filename:
                raise errors.invalid(f"the upload has no file {_PART!r}", _PART)
            name = PurePosixPath(file.filename.replace("\\", "/")).name
            return name or "pipeline", await file.read()
    except (MultiPartException, HTTPException) as error:
        if isinstance(error, HTTPException) and error.status_code != 400:
            raise
        message = error.message if isinstance(error, MultiPartException) else error.detail
        raise errors.invalid(f"the upload cannot be read: {message}", _PART) from None


async def _upload_response(created: Awaitable[Message]) -> Response:
    """The created object, or the error in the format of uploads."""
    try:
        return message_response(await created)
    except RejectedError as error:
        return upload_error(errors.http_status(error.rejection), error.rejection.message)
    except HTTPException as error:
        return upload_error(error.status_code, str(error.detail))
    except RetryableError as error:
        response = upload_error(503, unavailable_text(error))
        response.headers.update(RETRY_AFTER)
        return response


def upload_error(status: int, message: str) -> Response:
    """An error in the format of uploads."""
    body = UploadError(error_message=message, error_details=message)
    return Response(body.to_json(), status, media_type=JSON)

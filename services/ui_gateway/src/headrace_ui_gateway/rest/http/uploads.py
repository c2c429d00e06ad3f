"""Uploads of pipeline packages: as the body itself, or as the file of a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from headrace_ui_gateway.rest.http.bodies import media_type, read_up_to
from headrace_ui_gateway.rest.http.errors import malformed, too_large, unsupported_type

PACKAGE_TYPES = (
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "application/json",
    "application/zip",
    "application/gzip",
    "application/octet-stream",
)
"""Media types that a package may be sent with. Its format is detected from the content."""
FORM = "multipart/form-data"
_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may contain besides the file."""


@dataclass(frozen=True, slots=True)
class Package:
    """An uploaded package. Only a form names its file."""

    content: bytes
    file_name: str | None = None


async def read_package(request: Request, limit: int) -> Package:
    """The package in a request; empty if there is no body.

    Raises:
        ProblemError: it is larger than `limit` bytes, or its media type is not supported.
        RejectedError: the form is invalid or has no file.
    """
    kind = media_type(request)
    if kind == FORM:
        return await _from_form(request, limit)
    if kind and kind not in PACKAGE_TYPES:
        raise unsupported_type(kind, *PACKAGE_TYPES, FORM)
    return Package(b"".join([chunk async for chunk in read_up_to(request, limit)]))


async def _from_form(request: Request, limit: int) -> Package:
    parser = MultiPartParser(
        request.headers, read_up_to(request, limit + _FORM_OVERHEAD), max_files=1, max_fields=0
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        reason = error.message if isinstance(error, MultiPartException) else "no boundary"
        raise malformed(f"invalid form: {reason}") from None
    try:
        file = form.get("uploadfile")
        if not isinstance(file, UploadFile):
            raise malformed("the form has no file 'uploadfile'", "uploadfile")
        content = await file.read()
    finally:
        await form.close()
    if len(content) > limit:
        raise too_large(limit)
    return Package(content, file.filename)


def request_body() -> dict[str, Any]:
    """The body of an upload as an OpenAPI object."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "type": "object",
        "required": ["uploadfile"],
        "properties": {"uploadfile": {"type": "string", "format": "binary"}},
    }
    return {
        "description": "The package: compiled YAML or JSON, or a zip or tar.gz archive of it. "
        "Empty with `package_url` or `empty`.",
        "required": False,
        "content": {**dict.fromkeys(PACKAGE_TYPES, binary), FORM: {"schema": form}},
    }

"""How a pipeline's package comes in: as the body itself, as a form's file, or by its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from headrace_ui_gateway.rest.http.requests import limited, malformed, too_large, unsupported_type

TYPES = (
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "application/json",
    "application/zip",
    "application/gzip",
    "application/octet-stream",
)
"""What a package may call itself; what it is, its content tells."""
FORM = "multipart/form-data"
_ROOM = 64 * 1024
"""What a form may hold around its file."""


@dataclass(frozen=True, slots=True)
class Package:
    """An uploaded package; the body alone does not tell its file's name."""

    content: bytes
    file_name: str | None = None


async def uploaded(request: Request, limit: int) -> Package:
    """The request's package; an empty one where there is no body.

    Raises:
        ProblemError: it is too large, or its type is none that a package has.
        RejectedError: the form is broken or has no file.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        return await _of_form(request, limit)
    if kind and kind not in TYPES:
        raise unsupported_type(kind, *TYPES, FORM)
    return Package(b"".join([chunk async for chunk in limited(request, limit)]))


async def _of_form(request: Request, limit: int) -> Package:
    parser = MultiPartParser(
        request.headers, limited(request, limit + _ROOM), max_files=1, max_fields=0
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        words = error.message if isinstance(error, MultiPartException) else "it has no boundary"
        raise malformed(f"the form is not readable: {words}") from None
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
    """The body of an upload, as OpenAPI describes it."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "type": "object",
        "required": ["uploadfile"],
        "properties": {"uploadfile": {"type": "string", "format": "binary"}},
    }
    return {
        "description": "The package: compiled YAML or JSON, or a zip or tar.gz with it. Empty with "
        "`package_url` or `empty`.",
        "required": False,
        "content": {**dict.fromkeys(TYPES, binary), FORM: {"schema": form}},
    }

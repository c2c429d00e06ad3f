"""JSON request bodies, read strictly: a string is not a number."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from fastapi import Request
from headrace_contracts.base import Contract
from headrace_contracts.ir.storable import unstorable
from pydantic import ValidationError
from pydantic_core import from_json

from headrace_ui_gateway.rest.http.errors import (
    first_validation_error,
    malformed,
    too_large,
    unsupported_type,
)
from headrace_ui_gateway.rest.http.json_types import first_type_mismatch

MAX_JSON_BYTES = 40 * 1024 * 1024
"""A run's request may contain a package of 32 MiB as a JSON string, in which some characters take
two bytes."""

M = TypeVar("M", bound=Contract)


class JsonBody(Generic[M]):
    """A dependency of a route: the body as a model."""

    def __init__(self, model: type[M], max_bytes: int = MAX_JSON_BYTES) -> None:
        self.model = model
        self._max_bytes = max_bytes

    async def __call__(self, request: Request) -> M:
        """Read the body.

        Raises:
            ProblemError: its media type is not JSON, or it is too large.
            RejectedError: it does not have the model's shape.
        """
        kind = media_type(request)
        if kind != "application/json" and not (
            kind.startswith("application/") and kind.endswith("+json")
        ):
            raise unsupported_type(kind, "application/json")
        content = b"".join([chunk async for chunk in read_up_to(request, self._max_bytes)])
        return parse(self.model, content)


def media_type(request: Request) -> str:
    """The body's media type without parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse(model: type[M], content: bytes) -> M:
    """A model from JSON.

    Raises:
        RejectedError: the content does not have the model's shape.
    """
    try:
        decoded = from_json(content)
    except ValueError as error:
        raise malformed(f"the body is not JSON: {error}") from None
    if (found := unstorable(decoded)) is not None:
        field = ".".join(map(str, found[0])) or None
        raise malformed(f"{field or 'the body'} {found[1]}", field)
    try:
        parsed = model.model_validate_json(content)
    except ValidationError as error:
        raise first_validation_error(error.errors(include_url=False)) from None
    # Not with pydantic's strict mode: in a model with a "before" validator it treats JSON's arrays
    # and strings as Python's, and rejects every tuple and id.
    mismatch = first_type_mismatch(decoded, parsed.model_dump(mode="json", exclude_unset=True))
    if mismatch is not None:
        field, expected, given = mismatch
        raise malformed(f"{field}: expected {expected}, got {given}", field)
    return parsed


async def read_up_to(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body in chunks, at most `limit` bytes.

    Raises:
        ProblemError: the body is larger.
    """
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk

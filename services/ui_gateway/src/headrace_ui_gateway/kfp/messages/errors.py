"""Errors of KFP's API, and values that all of its messages share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_runtime.errors import RejectedError
from pydantic import ValidationError

from headrace_ui_gateway.kfp.messages.resources import GoogleRpcStatus, ProtobufAny

NAMESPACE = "default"
"""The only namespace in single-user mode."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""KFP's server sends this for a time that is not known yet; its clients rely on a value."""

INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED = 3, 5, 6, 7
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, UNIMPLEMENTED = 8, 9, 10, 12
INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 13, 14, 16
HTTP: Mapping[int, int] = MappingProxyType(
    {
        INVALID_ARGUMENT: 400,
        NOT_FOUND: 404,
        ALREADY_EXISTS: 409,
        PERMISSION_DENIED: 403,
        RESOURCE_EXHAUSTED: 429,
        FAILED_PRECONDITION: 400,
        ABORTED: 409,
        UNIMPLEMENTED: 501,
        INTERNAL: 500,
        UNAVAILABLE: 503,
        UNAUTHENTICATED: 401,
    }
)
"""The HTTP status of each gRPC code. Source: grpc-gateway."""
_GRPC: Mapping[str, int] = {
    RejectionCode.NOT_FOUND: NOT_FOUND,
    RejectionCode.CONFLICT: ALREADY_EXISTS,
    RejectionCode.UNAUTHENTICATED: UNAUTHENTICATED,
    RejectionCode.FORBIDDEN: PERMISSION_DENIED,
    RejectionCode.TOO_MANY_REQUESTS: RESOURCE_EXHAUSTED,
    RejectionCode.INSUFFICIENT_STORAGE: RESOURCE_EXHAUSTED,
    "UNAVAILABLE": UNAVAILABLE,
}
"""By rejection code; every other one is INVALID_ARGUMENT."""


class KfpError(Exception):
    """An error with a gRPC code that differs from the one of its rejection code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def grpc_code(code: str) -> int:
    """The gRPC code of a rejection code, or of ``UNAVAILABLE``."""
    return _GRPC.get(code, INVALID_ARGUMENT)


def http_status(rejection: Rejection) -> int:
    """The HTTP status of a rejection."""
    if rejection.code is RejectionCode.TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if rejection.code is RejectionCode.INSUFFICIENT_STORAGE:
        return HTTPStatus.INSUFFICIENT_STORAGE
    return HTTP[grpc_code(rejection.code)]


def status_message(code: int, message: str) -> GoogleRpcStatus:
    """The message of an error with a gRPC code."""
    detail = ProtobufAny.model_validate(
        {"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}
    )
    return GoogleRpcStatus(code=code, message=message, details=[detail])


def invalid(message: str, field: str) -> RejectedError:
    """The rejection of a request that does not have the documented shape."""
    return RejectedError.because(RejectionCode.MALFORMED, message, field)


def first_validation_error(error: ValidationError) -> RejectedError:
    """The rejection for the first error that a model found."""
    detail = error.errors()[0]
    field = ".".join(str(part) for part in detail["loc"])
    return invalid(f"{field}: {detail['msg']}", field)


def parse_id(text: str, what: str) -> UUID:
    """An id from a request. KFP's ids may be any string: one that is no UUID is not found, not
    malformed. `what` names the kind of object in the error.

    Raises:
        RejectedError: NOT_FOUND, no object has that id.
    """
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise RejectedError.because(RejectionCode.NOT_FOUND, f"there is no {what} {text!r}")
    return found


def spec(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored spec as KFP's API returns it: the bare pipeline spec, or a document with both if
    there is a platform spec."""
    if document.get("platform_spec"):
        return dict(document)
    return dict(document["pipeline_spec"])

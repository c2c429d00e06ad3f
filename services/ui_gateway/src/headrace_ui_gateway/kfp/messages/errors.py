"""What all of KFP's API shares: how errors are told, and what an empty value stands for."""

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
"""The one namespace of a deployment for a single user."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""What KFP's server says where a moment is not there yet; its clients rely on a value."""

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
"""The HTTP status of each of gRPC's codes. Source: gRPC's gateway."""
_GRPC = {
    RejectionCode.NOT_FOUND: NOT_FOUND,
    RejectionCode.CONFLICT: ALREADY_EXISTS,
    RejectionCode.UNAUTHENTICATED: UNAUTHENTICATED,
    RejectionCode.FORBIDDEN: PERMISSION_DENIED,
    RejectionCode.TOO_MANY_REQUESTS: RESOURCE_EXHAUSTED,
}


class KfpError(Exception):
    """A refusal with a code of gRPC, where KFP's is another one than the rejection's own."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def status(rejection: Rejection) -> dict[str, Any]:
    """A rejection as google.rpc.Status."""
    return status_of(_GRPC.get(rejection.code, INVALID_ARGUMENT), rejection.message)


def http_status(rejection: Rejection) -> int:
    """The HTTP status of a rejection."""
    if rejection.code is RejectionCode.TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTP[_GRPC.get(rejection.code, INVALID_ARGUMENT)]


def status_of(code: int, message: str) -> dict[str, Any]:
    """An error from its gRPC code."""
    detail = ProtobufAny.model_validate(
        {"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}
    )
    return GoogleRpcStatus(code=code, message=message, details=[detail]).to_dict()


def invalid(message: str, field: str) -> RejectedError:
    """A refusal of a request that is not of the documented shape."""
    return RejectedError.because(RejectionCode.MALFORMED, message, field)


def first_fault(error: ValidationError) -> RejectedError:
    """What a model found wrong first."""
    detail = error.errors()[0]
    place = ".".join(str(part) for part in detail["loc"])
    return invalid(f"{place}: {detail['msg']}", place)


def identity(text: str, what: str) -> UUID:
    """An id from a path. What is none is not malformed, as KFP's own ids are any text.

    Raises:
        RejectedError: NOT_FOUND, nothing has that id.
    """
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise RejectedError.because(RejectionCode.NOT_FOUND, f"there is no {what} {text!r}")
    return found


def spec(document: Mapping[str, Any]) -> dict[str, Any]:
    """A frozen spec as the API gives it: bare, or with its platform spec."""
    if document.get("platform_spec"):
        return dict(document)
    return dict(document["pipeline_spec"])

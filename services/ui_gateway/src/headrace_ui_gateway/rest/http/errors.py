"""Refusals of ``/api/v1`` that the HTTP layer itself makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Response
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import problem


class ProblemError(Exception):
    """A refusal whose code is not one of the services' rejection codes."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.field = status, code, detail, field

    def response(self) -> Response:
        """The refusal as a problem."""
        return problem(self.status, self.code, self.detail, self.field)


def malformed(detail: str, field: str | None = None) -> RejectedError:
    """The request does not have the documented shape."""
    return RejectedError.because(RejectionCode.MALFORMED, detail, field)


def too_large(limit: int) -> ProblemError:
    """The body is larger than `limit` bytes."""
    size = f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit // 1024} KiB"
    return ProblemError(413, "TOO_LARGE", f"the body is larger than {size}")


def unsupported_type(given: str, *supported: str) -> ProblemError:
    """The body has a media type that the route does not read."""
    detail = f"unsupported Content-Type {given!r}" if given else "missing Content-Type"
    return ProblemError(
        415, "UNSUPPORTED_MEDIA_TYPE", f"{detail}; send {' or '.join(supported)}", "Content-Type"
    )


def modified() -> ProblemError:
    """``If-Match`` names another version of the resource than the current one."""
    return ProblemError(
        412,
        "PRECONDITION_FAILED",
        "the resource was modified since you read it; fetch it again",
        "If-Match",
    )


def first_validation_error(errors: Sequence[Any], skip: int = 0) -> RejectedError:
    """The first of pydantic's errors. The first `skip` parts of its location are not in the name
    of the field: FastAPI puts ``query``, ``path`` or ``header`` first."""
    first = errors[0]
    parts = [str(part) for part in first["loc"]]
    field = ".".join(parts[skip:]) or None
    if skip and parts[0] == "header" and field:
        field = field.replace("_", "-").title()
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "uuid_parsing":  # pydantic says which character is not hexadecimal
        message = f"expected a UUID, got {first['input']!r}"
    return malformed(f"{field}: {message}" if field else message, field)

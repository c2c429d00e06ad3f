"""The rejections of the api, one function for each kind. `field` names the request's field."""

from __future__ import annotations

from typing import TypeVar

from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

T = TypeVar("T")


def malformed(message: str, field: str | None = None) -> RejectedError:
    """The request does not have the required form."""
    return RejectedError.because(RejectionCode.MALFORMED, message, field)


def invalid_parameter(message: str, field: str) -> RejectedError:
    """A value has the required form, and cannot be used."""
    return RejectedError.because(RejectionCode.INVALID_PARAMETER, message, field)


def not_found(message: str, field: str | None = None) -> RejectedError:
    """The object does not exist, or is in a namespace that the caller cannot see."""
    return RejectedError.because(RejectionCode.NOT_FOUND, message, field)


def conflict(message: str, field: str | None = None) -> RejectedError:
    """The current state of an object does not allow the request."""
    return RejectedError.because(RejectionCode.CONFLICT, message, field)


def key_reused(field: str) -> RejectedError:
    """An idempotency key belongs to a request with different content."""
    return conflict("this idempotency key was used for another request; use a new key", field)


def package_too_large(max_bytes: int, field: str | None = None) -> RejectedError:
    """A package exceeds the size limit, in bytes."""
    message = f"the package is larger than {max_bytes // 1024**2} MiB"
    return RejectedError.because(RejectionCode.TOO_LARGE, message, field)


def found(value: T | None, message: str, field: str | None = None) -> T:
    """The value.

    Raises:
        RejectedError: NOT_FOUND with this message; the value is None.
    """
    if value is None:
        raise not_found(message, field)
    return value

"""What the routes share: pages, and the answer for what is not there."""

from __future__ import annotations

from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

T = TypeVar("T")
PageSize = Annotated[int, Query(ge=0)]
_DEFAULT_PAGE, _LARGEST_PAGE = 20, 200


def found(value: T | None, message: str) -> T:
    """The value; without one, a refusal as not found."""
    if value is None:
        raise RejectedError.because(RejectionCode.NOT_FOUND, message)
    return value


def size(page_size: int) -> int:
    """How many a page holds; 0 asks for the default."""
    return min(page_size or _DEFAULT_PAGE, _LARGEST_PAGE)


def after(page_token: str) -> UUID | None:
    """The id after which a page begins."""
    try:
        return UUID(page_token) if page_token else None
    except ValueError:
        raise RejectedError.because(
            RejectionCode.MALFORMED, "page_token is not one that a list gave", "page_token"
        ) from None

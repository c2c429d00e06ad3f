"""What the routes share: texts that can be kept, what is asked of lists, and answers for what is
not there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Query
from headrace_contracts.base import Contract
from headrace_contracts.etags import unchanged
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable
from headrace_runtime.access import Caller, listed_namespace
from headrace_runtime.errors import RejectedError
from headrace_runtime.lists.page import Asked
from pydantic import AfterValidator

from headrace_api.core.tags import checked_tags

T = TypeVar("T")
DEFAULT_NAMESPACE = "default"


def storable(text: str) -> str:
    """The text, if Postgres can keep it."""
    if (found := unstorable(text)) is not None:
        raise ValueError(f"the text {found[1]}")
    return text


Text = Annotated[str, AfterValidator(storable)]
"""A text that Postgres can keep."""
OptionalText = Annotated[str | None, AfterValidator(lambda text: text and storable(text))]


def found(value: T | None, message: str) -> T:
    """The value; without one, a refusal as not found."""
    if value is None:
        raise RejectedError.because(RejectionCode.NOT_FOUND, message)
    return value


def _paged(
    filter: Text = "",
    sort_by: Text = "",
    page_size: int = 0,
    page_token: Text = "",
) -> Asked:
    return Asked(filter=filter, sort_by=sort_by, page_size=page_size, page_token=page_token)


PartPage = Annotated[Asked, Depends(_paged)]
"""A route's parameter: the page that is asked for, of what belongs to another object."""


def _asked(caller: Caller, paged: PartPage, namespace: OptionalText = None) -> Asked:
    return replace(paged, namespace=listed_namespace(caller, namespace))


IfMatch = Annotated[str | None, Header()]
AskedPage = Annotated[Asked, Depends(_asked)]
"""A route's parameter: the page that is asked for, of a namespace that the caller sees."""


def named_tags(field: str, text: str | None) -> dict[str, str]:
    """The tags of a query parameter: a JSON object of texts; none without it.

    Raises:
        RejectedError: it is not that, or there is too much of it.
    """
    try:
        given = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise RejectedError.because(
            RejectionCode.MALFORMED, f"{field} is not a JSON object of texts", field
        )
    return checked_tags(given, field)


Tags = Annotated[str | None, Query(max_length=40_000)]
"""A query parameter with tags as a JSON object."""


def check_unchanged(if_match: str | None, resource: Contract) -> None:
    """Refuse a change of a resource that is another one than the caller has read."""
    if not unchanged(if_match, resource):
        raise RejectedError.because(
            RejectionCode.CONFLICT, "it has changed since it was read; read it anew", "If-Match"
        )

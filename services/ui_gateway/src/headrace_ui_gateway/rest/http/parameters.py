"""Parameters that many routes of ``/api/v1`` take."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Header, Query
from headrace_runtime.lists.filters import Operation, Predicate, filter_text, parse_filter

MAX_PAGE_SIZE = 200
LARGEST_NUMBER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

_Filter = Annotated[str, Query(description='Predicates as JSON: `{"predicates": [...]}`.')]
_SortBy = Annotated[str, Query(description="A field, then `asc` or `desc`. Default: newest first.")]
_PageSize = Annotated[int, Query(ge=0, le=MAX_PAGE_SIZE)]
_PageToken = Annotated[
    str, Query(description="`next_page_token` of the previous page. Default: the first page.")
]


def _paging(page_size: _PageSize = 20, page_token: _PageToken = "") -> dict[str, Any]:
    return {"page_size": page_size, "page_token": page_token or None}


def _inner_list_query(
    paging: Annotated[dict[str, Any], Depends(_paging)],
    filter: _Filter = "",
    sort_by: _SortBy = "",
) -> dict[str, Any]:
    return {"filter": filter or None, "sort_by": sort_by or None, **paging}


def _list_query(
    inner: Annotated[dict[str, Any], Depends(_inner_list_query)],
    namespace: Annotated[
        str | None, Query(max_length=63, description="The namespace whose items are listed.")
    ] = None,
) -> dict[str, Any]:
    return {"namespace": namespace, **inner}


Paging = Annotated[dict[str, Any], Depends(_paging)]
"""Parameters of a list with a fixed order."""
InnerListQuery = Annotated[dict[str, Any], Depends(_inner_list_query)]
"""Parameters of a list within one object."""
ListQuery = Annotated[dict[str, Any], Depends(_list_query)]
"""Parameters of every other list, as the services behind the gateway take them."""


def with_filters(query: dict[str, Any], **equal: str | None) -> dict[str, Any]:
    """A list query with further predicates of equality; None means any value."""
    added = [
        Predicate(key, Operation.EQUALS, value) for key, value in equal.items() if value is not None
    ]
    if not added:
        return query
    given = parse_filter(query["filter"] or "")
    return {**query, "filter": filter_text((*given, *added))}


def bool_param(value: bool | None) -> str | None:
    """A boolean as a query parameter of the services behind the gateway."""
    return None if value is None else str(value).lower()


IfNoneMatch = Annotated[
    str | None,
    Header(description="An `ETag` that the client has; if it is current, the answer is a 304."),
]
IfMatch = Annotated[
    str | None,
    Header(
        description="The `ETag` of the version that the client read. If the resource was modified "
        "since, it is not changed and the answer is a 412."
    ),
]

"""What operations share: paging through lists, idempotency keys, and ids in paths."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headrace.client.resources import Resource
from headrace.client.transport.requests import Request, Steps, path_segment, without_none

_PAGE_SIZE = 200


def new_key(key: str | None) -> str:
    """The ``Idempotency-Key`` of a request: the caller's, or a new one so that the client can
    retry."""
    return key or uuid.uuid4().hex


def id_segment(resource: Resource | str, key: str) -> str:
    """The id of a resource, given as the resource or its id, as a segment of a path."""
    return path_segment(str(resource[key]) if isinstance(resource, Resource) else resource)


def pages(
    path: str,
    name: str,
    count: int | None,
    namespace: str | None,
    filter: str | Mapping[str, Any] | None,
    sort_by: str | None,
    **filters: Any,
) -> Steps[list[dict[str, Any]]]:
    """The first `count` items of a list (None: all), from as many pages as needed."""
    text = json.dumps(filter) if isinstance(filter, Mapping) else filter
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        size = _PAGE_SIZE if count is None else min(_PAGE_SIZE, count - len(found))
        if size <= 0:
            return found
        params = without_none(
            namespace=namespace,
            filter=text,
            sort_by=sort_by,
            page_size=size,
            page_token=token,
            **filters,
        )
        page = (yield Request("GET", path, params)).json()
        found += page.get(name) or ()
        token = page.get("next_page_token")
        if not token:
            return found


def is_id(text: str) -> bool:
    """Whether a text is an id (a UUID) rather than a name."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False

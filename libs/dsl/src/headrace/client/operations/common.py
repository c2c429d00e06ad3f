"""What operations share: lists of several pages, keys of requests, and identities."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headrace.client.resources import Resource
from headrace.client.wire import Request, Steps, given, part

_PAGE = 200


def new_key(key: str | None) -> str:
    """The ``Idempotency-Key`` of a request: the caller's own, or a fresh one, with which the
    client may repeat it."""
    return key or uuid.uuid4().hex


def identity(thing: Resource | str, key: str) -> str:
    """A thing's id as a part of a path."""
    return part(str(thing[key]) if isinstance(thing, Resource) else thing)


def pages(
    path: str,
    name: str,
    count: int | None,
    namespace: str | None,
    filter: str | Mapping[str, Any] | None,
    sort_by: str | None,
    **narrowed: Any,
) -> Steps[list[dict[str, Any]]]:
    """The first `count` items of a list (None: all), by as many pages as it takes."""
    text = json.dumps(filter) if isinstance(filter, Mapping) else filter
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        size = _PAGE if count is None else min(_PAGE, count - len(found))
        if size <= 0:
            return found
        asked = given(
            namespace=namespace,
            filter=text,
            sort_by=sort_by,
            page_size=size,
            page_token=token,
            **narrowed,
        )
        answer = (yield Request("GET", path, asked)).json()
        found += answer.get(name) or ()
        token = answer.get("next_page_token")
        if not token:
            return found


def by_name(name: str) -> dict[str, Any]:
    """A filter for a display name."""
    predicate = {"key": "display_name", "operation": "EQUALS", "string_value": name}
    return {"predicates": [predicate]}


def is_id(text: str) -> bool:
    """Whether a text is an id, not a name."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False

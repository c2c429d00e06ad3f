"""Tags of pipelines and versions: names with string values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace_contracts.ir.storable import unstorable

from headrace_api.errors import malformed

MAX_TAGS = 64
MAX_NAME_LENGTH = 63
"""The limit of label names in Kubernetes."""
MAX_VALUE_LENGTH = 253


def parsed_tags(text: str | None, field: str) -> dict[str, str]:
    """The tags of a query parameter, which is a JSON object of strings; none without a text.

    Raises:
        RejectedError: the text is not such an object, or its tags are not valid.
    """
    try:
        given = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise malformed(f"{field} must be a JSON object of strings", field)
    return checked_tags(given, field)


def checked_tags(tags: Mapping[str, Any], field: str = "tags") -> dict[str, str]:
    """The tags.

    Raises:
        RejectedError: there are too many, or one is too long, has no name or is not a string.
    """
    if len(tags) > MAX_TAGS:
        raise malformed(f"there are {len(tags)} tags; the maximum is {MAX_TAGS}", field)
    for name, value in tags.items():
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            raise malformed(
                f"a tag name must have 1 to {MAX_NAME_LENGTH} characters, got {len(name)}", field
            )
        if not isinstance(value, str):
            raise malformed(f"the value of tag {name!r} must be a string", field)
        if len(value) > MAX_VALUE_LENGTH:
            raise malformed(
                f"the value of tag {name!r} has {len(value)} characters; "
                f"the maximum is {MAX_VALUE_LENGTH}",
                field,
            )
        if (fault := unstorable({name: value})) is not None:
            raise malformed(f"the tag {name!r} {fault[1]}", field)
    return dict(tags)

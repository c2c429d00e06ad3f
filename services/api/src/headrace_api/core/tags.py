"""Tags: short texts by name, on pipelines and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable
from headrace_runtime.errors import RejectedError

MOST_TAGS = 64
LONGEST_KEY = 63
"""As the names of labels in Kubernetes."""
LONGEST_VALUE = 253


def checked_tags(tags: Mapping[str, Any], field: str = "tags") -> dict[str, str]:
    """The tags, if they can be kept.

    Raises:
        RejectedError: there are too many, or one is too long, has no name or is not a text.
    """
    if len(tags) > MOST_TAGS:
        raise _refused(field, f"there are more than {MOST_TAGS} tags")
    for key, value in tags.items():
        if not 0 < len(key) <= LONGEST_KEY:
            raise _refused(field, f"a tag's name has 1 to {LONGEST_KEY} characters, not {len(key)}")
        if not isinstance(value, str):
            raise _refused(field, f"the tag {key!r} is not a text")
        if len(value) > LONGEST_VALUE:
            raise _refused(field, f"the tag {key!r} has more than {LONGEST_VALUE} characters")
        if (found := unstorable({key: value})) is not None:
            raise _refused(field, f"the tag {key!r} {found[1]}")
    return dict(tags)


def _refused(field: str, message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.MALFORMED, message, field)

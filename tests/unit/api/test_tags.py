"""Tags: what can be kept."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_api.answers import named_tags
from headrace_api.core.tags import LONGEST_KEY, LONGEST_VALUE, MOST_TAGS, checked_tags
from headrace_runtime.errors import RejectedError


def test_tags_up_to_the_limits_are_kept() -> None:
    tags = {f"{number:0{LONGEST_KEY}}": "ü" * LONGEST_VALUE for number in range(MOST_TAGS)}
    assert checked_tags(tags) == tags
    assert named_tags("tags", None) == named_tags("tags", "") == named_tags("tags", "{}") == {}
    assert named_tags("tags", '{"team": ""}') == {"team": ""}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({str(number): "" for number in range(MOST_TAGS + 1)}, "more than 64 tags"),
        ({"": "a"}, "1 to 63 characters, not 0"),
        ({"k" * (LONGEST_KEY + 1): "a"}, "1 to 63 characters, not 64"),
        ({"team": "v" * (LONGEST_VALUE + 1)}, "'team' has more than 253"),
        ({"team": 1}, "'team' is not a text"),
        ({"team": None}, "'team' is not a text"),
        ({"team": "\0"}, "contains a NUL"),
        ({"a\0b": "a"}, "contains a NUL"),
        ({"team": "\ud800"}, "not Unicode"),
    ],
)
def test_what_cannot_be_kept_is_refused(tags: dict[str, Any], message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        checked_tags(tags, "version_tags")
    assert caught.value.rejection.field == "version_tags"


@pytest.mark.parametrize("text", ["{", "[]", "1", '"a"', "[" * 9000])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RejectedError, match="not a JSON object"):
        named_tags("tags", text)

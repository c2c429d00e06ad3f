"""Which tags are valid."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_api.pipelines.rules.tags import (
    MAX_NAME_LENGTH,
    MAX_TAGS,
    MAX_VALUE_LENGTH,
    checked_tags,
    parsed_tags,
)
from headrace_runtime.errors import RejectedError


def test_tags_up_to_the_limits_are_valid() -> None:
    tags = {f"{number:0{MAX_NAME_LENGTH}}": "ü" * MAX_VALUE_LENGTH for number in range(MAX_TAGS)}
    assert checked_tags(tags) == tags
    for text in (None, "", "{}"):
        assert parsed_tags(text, "tags") == {}
    assert parsed_tags('{"team": ""}', "tags") == {"team": ""}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({str(number): "" for number in range(MAX_TAGS + 1)}, "65 tags; the maximum is 64"),
        ({"": "a"}, "1 to 63 characters, got 0"),
        ({"k" * (MAX_NAME_LENGTH + 1): "a"}, "1 to 63 characters, got 64"),
        ({"team": "v" * (MAX_VALUE_LENGTH + 1)}, "'team' has 254 characters"),
        ({"team": 1}, "'team' must be a string"),
        ({"team": None}, "'team' must be a string"),
        ({"team": "\0"}, "contains a NUL"),
        ({"a\0b": "a"}, "contains a NUL"),
        ({"team": "\ud800"}, "not Unicode"),
    ],
)
def test_invalid_tags_are_rejected(tags: dict[str, Any], message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        checked_tags(tags, "version_tags")
    assert caught.value.rejection.field == "version_tags"


@pytest.mark.parametrize("text", ["{", "[]", "1", '"a"', "[" * 9000])
def test_a_value_that_is_not_an_object_is_rejected(text: str) -> None:
    with pytest.raises(RejectedError, match="must be a JSON object"):
        parsed_tags(text, "tags")

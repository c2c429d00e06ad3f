"""A value of another kind than what was made of it."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_ui_gateway.rest.http.json_types import first_type_mismatch


@pytest.mark.parametrize(
    ("given", "taken", "found"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1.0}, {"a": 1}, None),
        ({"a": "1"}, {"a": 1}, ("a", "a number", "a string")),
        ({"a": True}, {"a": 1}, ("a", "a number", "a boolean")),
        ({"a": [{"b": "true"}]}, {"a": [{"b": True}]}, ("a.0.b", "a boolean", "a string")),
        ({"a": 5}, {"a": "1970-01-01T00:00:05Z"}, ("a", "a string", "a number")),
        ({"a": None, "unknown": 1}, {"a": None}, None),
        ({"a": []}, {"a": {}}, ("a", "an object", "an array")),
    ],
)
def test_the_first_mismatch_is_named(
    given: Any, taken: Any, found: tuple[str, str, str] | None
) -> None:
    assert first_type_mismatch(given, taken) == found

"""Differences between fingerprints."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_recorder.core.fingerprints import closest, differences


@pytest.mark.parametrize(
    ("parts", "earlier", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [{"part": "a", "was": 2, "is": 1}]),
        ({"a": 1}, {}, [{"part": "a", "is": 1}]),
        ({}, {"a": None}, [{"part": "a", "was": None}]),
        ({"a": None}, {}, [{"part": "a", "is": None}]),
        (
            {"b": [1], "a": {"x": 1}},
            {"b": [2], "a": {"x": 2}},
            [{"part": "a", "was": {"x": 2}, "is": {"x": 1}}, {"part": "b", "was": [2], "is": [1]}],
        ),
    ],
)
def test_differences(parts: Any, earlier: Any, expected: Any) -> None:
    assert differences(parts, earlier) == expected


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([], None),
        ([{}], 0),
        ([{"a": 1}, {"a": 1, "b": 2}], 1),
        ([{"a": 1, "b": 3}, {"a": 9, "b": 2}], 0),
        ([{}, {"a": 1, "b": 2, "c": 3}], 1),
    ],
)
def test_the_closest_execution_differs_in_the_fewest_parts(earlier: Any, expected: Any) -> None:
    assert closest({"a": 1, "b": 2}, earlier) == expected

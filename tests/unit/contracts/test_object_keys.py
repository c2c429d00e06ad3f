"""Keys in the object store, and who may read them."""

from __future__ import annotations

import pytest
from headrace_contracts.object_keys import is_normalized, is_readable_from


@pytest.mark.parametrize(
    ("key", "plain"),
    [
        ("runs/a/p/x", True),
        ("x", True),
        ("runs/..a/.b/c.", True),
        ("runs/a/../b", False),
        ("runs/./b", False),
        ("runs//b", False),
        ("/runs", False),
        ("runs/", False),
        ("", False),
        ("runs\\..\\b", False),
    ],
)
def test_normalized_keys(key: str, plain: bool) -> None:
    assert is_normalized(key) is plain


@pytest.mark.parametrize(
    ("key", "lent"),
    [
        ("runs/team/p/1/out", True),
        ("datasets/all.csv", True),
        ("root/p/1/out", True),
        ("runs/other/p/1/out", False),
        ("runs/teams/p/1/out", False),
        ("runs/team", False),
        ("runs", False),
        ("runs/team/../other/p", False),
        ("datasets/../runs/other/p", False),
        ("specs/0.json", False),
        ("messages/0.json", False),
        ("", False),
    ],
)
def test_objects_that_a_step_of_a_namespace_may_read(key: str, lent: bool) -> None:
    assert is_readable_from(key, "team") is lent

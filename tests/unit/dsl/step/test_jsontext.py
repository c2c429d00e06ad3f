"""JSON in a step, compared with the `json` package."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
from headrace.step import jsontext
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(blacklist_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture
def without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a step that has not imported it."""
    monkeypatch.delitem(sys.modules, "json")


@given(PLAIN)
def test_json_is_written_and_read_like_the_json_package(value: Any) -> None:
    expected = json.dumps(value)
    module = sys.modules.pop("json")
    try:
        written = jsontext.dumps(value)
        sys.modules.pop("json", None)
        read = jsontext.loads(expected)
    finally:
        sys.modules["json"] = module
    assert written == expected
    assert json.dumps(read) == expected


@pytest.mark.usefixtures("without_json")
@pytest.mark.parametrize("text", ['{"a": 1', "", "nul", '{"a" 1}', "[1] 2", "'a'", '"\x01"'])
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)


@pytest.mark.usefixtures("without_json")
def test_too_deep_nesting_fails_like_the_json_package() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(RecursionError, match="while encoding a JSON object"):
        jsontext.dumps(nested)


@pytest.mark.usefixtures("without_json")
def test_extensions_of_the_json_package() -> None:
    assert jsontext.loads(' \n{"a": [1, 2.5e3, NaN]} \n')["a"][:2] == [1, 2500.0]
    assert math.isinf(jsontext.loads("-Infinity"))
    assert jsontext.dumps({1: True, None: (1,)}) == '{"1": true, "null": [1]}'
    with pytest.raises(TypeError):
        jsontext.dumps({"a": object()})

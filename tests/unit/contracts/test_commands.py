"""Validation of submit messages."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.ir.models import LONGEST_SECONDS
from headrace_contracts.messages.commands import SubmitRun
from pydantic import ValidationError


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"display_name": "a\0b"}, "display_name contains a NUL character"),
        ({"namespace": "a\0b"}, "namespace contains a NUL character"),
        ({"display_name": "\ud800"}, "display_name is not Unicode text"),
        ({"parameters": {"x": [1, {"y": "\0"}]}}, "parameters.x.1.y contains a NUL character"),
        ({"parameters": {"\0": 1}}, "parameters has a key that contains a NUL character"),
        ({"parameters": {"x": float("nan")}}, "parameters.x is nan, which is not a JSON number"),
        ({"parameters": {"x": nested(1000)}}, "the request is nested deeper than 200"),
        ({"pipeline_spec": {"a": {"b": "\0"}}}, "pipeline_spec.a.b contains a NUL character"),
        ({"deadline_seconds": 0}, "greater than 0"),
        ({"deadline_seconds": 1e300}, f"less than or equal to {LONGEST_SECONDS}"),
        ({"deadline_seconds": float("inf")}, "is inf, which is not a JSON number"),
        ({"priority": 1001}, "less than or equal to 1000"),
        ({"namespace": "a/b"}, "should match pattern"),
        ({"failure_strategy": "HOPE"}, "'FAIL_FAST' or 'CONTINUE'"),
        ({"parameter": {}}, "Extra inputs are not permitted"),
    ],
)
def test_an_invalid_request_is_rejected_with_its_field(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        SubmitRun(**fields)
    assert message in str(caught.value)


def test_text_in_any_script_is_accepted() -> None:
    text = "Größe 漢字 \U0001f600 \u200b"
    request = SubmitRun(display_name=text, parameters={text: [text, None, 0, 1e300]})
    assert SubmitRun.model_validate_json(request.to_json()) == request

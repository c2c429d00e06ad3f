"""The JSON of KFP's API: names in both cases, numbers as texts, enums by number, nothing empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from headrace_ui_gateway.kfp.messages.artifacts import V2beta1Task
from headrace_ui_gateway.kfp.messages.resources import (
    GoogleRpcStatus,
    Mode,
    V2beta1ListRecurringRunsResponse,
    V2beta1Pipeline,
    V2beta1RecurringRun,
)
from headrace_ui_gateway.kfp.messages.runs import V2beta1Run
from pydantic import ValidationError


def test_both_cases_are_read_and_snake_case_is_written() -> None:
    for name in ("max_concurrency", "maxConcurrency"):
        read = V2beta1RecurringRun.model_validate({name: 2})
        assert read.to_dict() == {"max_concurrency": "2"}


@pytest.mark.parametrize("given", [3, "3", 3.0])
def test_a_64_bit_integer_is_read_as_number_or_text(given: Any) -> None:
    assert V2beta1RecurringRun.model_validate({"max_concurrency": given}).max_concurrency == 3


@pytest.mark.parametrize("given", ["x", "", "-", "1.5", 1.5, True, [], 2**63, "9" * 30, "٣"])
def test_invalid_64_bit_integers_are_rejected(given: Any) -> None:
    with pytest.raises(ValidationError):
        V2beta1RecurringRun.model_validate({"max_concurrency": given})


@pytest.mark.parametrize("given", ["DISABLE", 2])
def test_an_enum_is_read_by_name_or_number(given: Any) -> None:
    read = V2beta1RecurringRun.model_validate({"mode": given})
    assert read.mode is Mode.DISABLE
    assert read.to_dict() == {"mode": "DISABLE"}


@pytest.mark.parametrize("given", ["OFF", "disable", 3, -1, True, 1.5, []])
def test_an_unknown_enum_value_is_rejected(given: Any) -> None:
    with pytest.raises(ValidationError):
        V2beta1RecurringRun.model_validate({"mode": given})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"runtime_config": {"extra": 1}}, "unknown field 'extra'"),
        ({"display_name": "a", "displayName": "b"}, "duplicate field display_name"),
        ({"display_name": 3}, "valid string"),
        ({"no_catchup": "true"}, "valid boolean"),
        ({"runtime_config": "text"}, "valid dictionary"),
        ({"runtime_config": {"parameters": [1]}}, "valid dictionary"),
        ({"created_at": 3}, "expected a timestamp"),
        ({"created_at": "2026-01-02"}, "timezone"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "outside of the years"),
    ],
)
def test_invalid_fields_are_rejected(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        V2beta1RecurringRun.model_validate(body)


def test_null_means_absent() -> None:
    read = V2beta1Pipeline.model_validate({"name": None, "tags": None})
    assert (read.name, read.tags) == ("", {})
    assert read.model_fields_set == set()
    assert V2beta1Pipeline.model_validate({"tags": {}}).model_fields_set == {"tags"}


def test_only_empty_fields_are_omitted() -> None:
    assert V2beta1Run().to_dict() == {}
    parameters = {"a": None, "b": "", "c": [], "d": {}, "f": 0, "g": False}
    body = {"runtime_config": {"parameters": parameters}}
    assert V2beta1Run.model_validate(body).to_dict() == body


def test_timestamps_are_written_in_utc() -> None:
    read = V2beta1Pipeline.model_validate({"created_at": "2026-01-02T05:04:05.250+02:00"})
    assert read.to_dict() == {"created_at": "2026-01-02T03:04:05.250000Z"}
    assert V2beta1Pipeline(created_at=datetime(2026, 1, 2, tzinfo=UTC)).to_dict() == {
        "created_at": "2026-01-02T00:00:00Z"
    }


def test_the_one_name_in_camel_case() -> None:
    page = V2beta1ListRecurringRunsResponse(
        recurring_runs=[V2beta1RecurringRun(display_name="x")], total_size=1
    )
    assert page.to_dict() == {"recurringRuns": [{"display_name": "x"}], "total_size": 1}
    assert page.to_json() == b'{"recurringRuns":[{"display_name":"x"}],"total_size":1}'


def test_the_details_of_an_error_name_their_type() -> None:
    body = {"code": 5, "message": "no", "details": [{"@type": "t", "code": 5}]}
    assert GoogleRpcStatus.model_validate(body).to_dict() == body


def test_the_schema_describes_requests_and_responses() -> None:
    read = V2beta1RecurringRun.model_json_schema(mode="validation")
    written = V2beta1RecurringRun.model_json_schema(mode="serialization")
    assert {"type": "null"} in read["properties"]["display_name"]["anyOf"]
    assert written["properties"]["display_name"] == {"type": "string", "default": ""}
    assert written["properties"]["max_concurrency"]["type"] == "string"
    assert {"type": "integer"} in read["properties"]["max_concurrency"]["anyOf"][0]["anyOf"]
    assert written["additionalProperties"] is False
    assert "required" not in written
    iteration = V2beta1Task.model_validate({"type": 5, "type_attributes": {"iteration_index": 0}})
    assert iteration.to_dict() == {
        "type": "LOOP_ITERATION",
        "type_attributes": {"iteration_index": "0"},
    }

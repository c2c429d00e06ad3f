"""KFP's filters and orders, rewritten into ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.kfp.translate.lists import (
    ARTIFACT_TASKS,
    EXPERIMENTS,
    PIPELINES,
    RECURRING_RUNS,
    RUNS,
    VERSIONS,
    ListFields,
    Paging,
    list_params,
)


def one(**fields: Any) -> str:
    return json.dumps({"predicates": [fields]})


def rewritten(keys: ListFields, text: str) -> Any:
    parameters, _ = list_params(keys, Paging(filter=text))
    return json.loads(parameters["filter"])["predicates"]


def test_the_default_order_is_oldest_first() -> None:
    parameters, namespace = list_params(RUNS, Paging())
    assert parameters == {
        "filter": None,
        "sort_by": "created_at asc",
        "page_size": 0,
        "page_token": None,
    }
    assert namespace == ""
    assert list_params(ARTIFACT_TASKS, Paging())[0]["sort_by"] is None


def test_with_a_page_token_no_order_is_sent() -> None:
    parameters, _ = list_params(RUNS, Paging(page_token="t", page_size=5))
    assert (parameters["page_token"], parameters["sort_by"]) == ("t", None)
    parameters, _ = list_params(RUNS, Paging(page_token="t", sort_by="name"))
    assert (parameters["page_token"], parameters["sort_by"]) == ("t", "display_name asc")


@pytest.mark.parametrize(
    ("keys", "text", "expected"),
    [
        (RUNS, "name desc", "display_name desc"),
        (RUNS, "id", "run_id asc"),
        (RUNS, " CREATED_AT  DESC ", "created_at desc"),
        (RUNS, "storage_state", "archived asc"),
        (RUNS, "status asc", "state asc"),
        (RUNS, "metric:Area under curve desc", "metric:Area under curve desc"),
        (RUNS, "metric:desc", "metric:desc asc"),
        (EXPERIMENTS, "last_run_created_at desc", "last_run_created_at desc"),
        (PIPELINES, "name", "name asc"),
        (VERSIONS, "id desc", "pipeline_version_id desc"),
        (RECURRING_RUNS, "updated_at", "updated_at asc"),
    ],
)
def test_orders(keys: ListFields, text: str, expected: str) -> None:
    assert list_params(keys, Paging(sort_by=text))[0]["sort_by"] == expected


@pytest.mark.parametrize("text", ["color", "name up", "name desc desc", "tags.a", "desc"])
def test_an_invalid_order_is_rejected(text: str) -> None:
    with pytest.raises(RejectedError, match="cannot be sorted") as caught:
        list_params(PIPELINES, Paging(sort_by=text))
    assert caught.value.rejection.field == "sort_by"


@pytest.mark.parametrize(
    ("keys", "key", "ours"),
    [
        (RUNS, "name", "display_name"),
        (RUNS, "id", "run_id"),
        (RUNS, "experiment_id", "experiment_id"),
        (EXPERIMENTS, "name", "display_name"),
        (EXPERIMENTS, "display_name", "display_name"),
        (PIPELINES, "name", "name"),
        (PIPELINES, "tags.team", "tags.team"),
        (VERSIONS, "id", "pipeline_version_id"),
        (RECURRING_RUNS, "name", "display_name"),
    ],
)
def test_fields_are_translated(keys: ListFields, key: str, ours: str) -> None:
    text = one(operation=1, key=key, stringValue="x")
    expected = {"key": ours, "operation": "EQUALS", "string_value": "x"}
    assert rewritten(keys, text) == [expected]


def test_all_predicates_are_translated() -> None:
    predicates = [
        {"operation": "IS_SUBSTRING", "key": "name", "stringValue": "a"},
        {"operation": 5, "key": "created_at", "timestampValue": "2026-01-02T00:00:00Z"},
    ]
    assert [p["operation"] for p in rewritten(RUNS, json.dumps({"predicates": predicates}))] == [
        "IS_SUBSTRING",
        "GREATER_THAN_EQUALS",
    ]


@pytest.mark.parametrize(
    ("operation", "value", "expected"),
    [
        ("EQUALS", {"string_value": "SUCCEEDED"}, ("IN", ["SUCCEEDED"])),
        ("EQUALS", {"string_value": "Succeeded"}, ("IN", ["SUCCEEDED"])),
        ("EQUALS", {"string_value": "FAILED"}, ("IN", ["FAILED", "CANCELED"])),
        ("EQUALS", {"string_value": "CANCELED"}, ("IN", ["CANCELED"])),
        ("NOT_EQUALS", {"string_value": "FAILED"}, ("NOT_IN", ["FAILED", "CANCELED"])),
        (
            "IN",
            {"string_values": {"values": ["RUNNING", "FAILED", "CANCELED"]}},
            ("IN", ["RUNNING", "FAILED", "CANCELED"]),
        ),
        ("IS_SUBSTRING", {"string_value": "ail"}, ("IN", ["FAILED", "CANCELED"])),
        ("IS_SUBSTRING", {"string_value": "nobody"}, ("IN", [])),
    ],
)
@pytest.mark.parametrize("key", ["state", "status"])
def test_states(key: str, operation: str, value: dict[str, Any], expected: Any) -> None:
    (found,) = rewritten(RUNS, one(operation=operation, key=key, **value))
    assert found["key"] == "state"
    assert (found["operation"], found["string_values"]["values"]) == expected


@pytest.mark.parametrize(
    ("operation", "value", "expected"),
    [
        ("EQUALS", {"string_value": "ARCHIVED"}, {"string_value": "true"}),
        ("NOT_EQUALS", {"string_value": "ARCHIVED"}, {"string_value": "true"}),
        ("EQUALS", {"string_value": "STORAGESTATE_AVAILABLE"}, {"string_value": "false"}),
        (
            "IN",
            {"string_values": {"values": ["ARCHIVED", "AVAILABLE"]}},
            {"string_values": {"values": ["true", "false"]}},
        ),
    ],
)
def test_storage_states(operation: str, value: dict[str, Any], expected: dict[str, Any]) -> None:
    (found,) = rewritten(RUNS, one(operation=operation, key="storage_state", **value))
    assert found == {"key": "archived", "operation": operation, **expected}


@pytest.mark.parametrize(
    ("keys", "text", "message"),
    [
        (RUNS, one(operation=1, key="color", string_value="x"), "unrecognized field 'color'"),
        (RUNS, one(operation=1, key="tags.a", string_value="x"), "unrecognized field 'tags.a'"),
        (RUNS, one(operation=1, key="storage_state", string_value="x"), "not a storage state"),
        (RUNS, one(operation=3, key="storage_state", string_value="x"), "is not supported for"),
        (RUNS, one(operation=3, key="state", string_value="x"), "is not supported for"),
        (RUNS, one(operation=1, key="state", int_value=3), "not a state"),
        (RUNS, one(operation=8, key="name", string_value="x"), "takes several values"),
        (RUNS, "{", "must be JSON"),
        (
            RUNS,
            one(operation=8, key="namespace", string_values={"values": ["a"]}),
            "only one predicate",
        ),
    ],
)
def test_invalid_filters_are_rejected(keys: ListFields, text: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        list_params(keys, Paging(filter=text))
    assert caught.value.rejection.field == "filter"


def test_a_filter_by_namespace_becomes_the_namespace_of_the_list() -> None:
    text = one(operation=1, key="namespace", string_value="team")
    parameters, namespace = list_params(RUNS, Paging(filter=text))
    assert (parameters["filter"], namespace) == (None, "team")

"""Output parameters by their types, from the ExecutorOutput or from their own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from headrace_launcher.failure import StepError
from headrace_launcher.outputs import parameters


def declared(path: Path, kind: str, *, optional: bool = False) -> dict[str, Any]:
    one = {"name": "x", "type": kind, "path": str(path), "optional": optional}
    return {"output_parameters": [one]}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("STRING", " as it is\n", " as it is\n"),
        ("STRING", "", ""),
        ("NUMBER_INTEGER", "7\n", 7),
        ("NUMBER_INTEGER", "-7.0", -7),
        ("NUMBER_INTEGER", "1e3", 1000),
        ("NUMBER_INTEGER", "9007199254740993", 9007199254740993),
        ("NUMBER_DOUBLE", "0.5", 0.5),
        ("NUMBER_DOUBLE", "3", 3),
        ("BOOLEAN", "True", True),
        ("BOOLEAN", "0", False),
        ("LIST", '[1.0, {"a": 2.5}]', [1, {"a": 2.5}]),
        ("STRUCT", '{"a": NaN, "b": 1e999}', {"a": "NaN", "b": "1e999"}),
    ],
)
def test_a_file_is_read_by_its_type(tmp_path: Path, kind: str, text: str, value: Any) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    read = parameters.parameters(declared(path, kind), {})["x"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("STRING", "text", "text"),
        ("STRING", 7, "7"),
        ("STRING", ["a", 1], '["a",1]'),
        ("NUMBER_INTEGER", 3.0, 3),
        ("NUMBER_INTEGER", "3", 3),
        ("NUMBER_DOUBLE", 3, 3),
        ("BOOLEAN", False, False),
        ("LIST", [], []),
        ("STRUCT", {"a": [1.0]}, {"a": [1]}),
        ("STRUCT", '{"a": 1}', {"a": 1}),
    ],
)
def test_a_value_of_the_executor_output_comes_before_the_file(
    tmp_path: Path, kind: str, given: Any, value: Any
) -> None:
    (tmp_path / "x").write_text("not looked at")
    read = parameters.parameters(declared(tmp_path / "x", kind), {"parameterValues": {"x": given}})
    assert read == {"x": value}
    assert type(read["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("NUMBER_INTEGER", 3.5),
        ("NUMBER_INTEGER", "three"),
        ("NUMBER_INTEGER", [3]),
        ("NUMBER_INTEGER", "9" * 30),
        ("NUMBER_INTEGER", 2**63),
        ("NUMBER_INTEGER", "NaN"),
        ("NUMBER_DOUBLE", "NaN"),
        ("NUMBER_DOUBLE", "inf"),
        ("BOOLEAN", "yes"),
        ("LIST", {"a": 1}),
        ("STRUCT", "[1]"),
        ("STRUCT", "{"),
        ("STRING", "zero\0byte"),
        ("LIST", [{"a": "zero\0byte"}]),
        ("STRING", "half a pair \ud800"),
    ],
)
def test_a_value_of_another_type_is_an_error(tmp_path: Path, kind: str, given: Any) -> None:
    with pytest.raises(StepError) as caught:
        parameters.parameters(declared(tmp_path / "x", kind), {"parameterValues": {"x": given}})
    assert caught.value.code == "OUTPUT_INVALID"
    assert "'x'" in caught.value.message
    assert kind in caught.value.message


def test_null_counts_as_absent(tmp_path: Path) -> None:
    null = {"parameterValues": {"x": None}}
    assert parameters.parameters(declared(tmp_path / "x", "STRING", optional=True), null) == {}
    with pytest.raises(StepError) as caught:
        parameters.parameters(declared(tmp_path / "x", "STRING"), null)
    assert caught.value.code == "OUTPUT_MISSING"
    (tmp_path / "x").write_text("from the file")
    assert parameters.parameters(declared(tmp_path / "x", "STRING"), null) == {"x": "from the file"}


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(StepError, match="'x' is not UTF-8"):
        parameters.parameters(declared(tmp_path / "x", "STRING"), {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(StepError, match="cannot read output parameter 'x': Is a directory"):
        parameters.parameters(declared(tmp_path / "folder", "STRING"), {})


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"parameterValues": [1]}', '{"artifacts": "none"}', "\udc80"]
)
def test_a_malformed_executor_output_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "executor_output.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StepError, match="the executor output") as caught:
        parameters.executor_output(str(path))
    assert caught.value.code == "OUTPUT_INVALID"


def test_without_an_executor_output_nothing_is_returned(tmp_path: Path) -> None:
    assert parameters.executor_output(str(tmp_path / "none.json")) == {}


def test_a_large_value_is_kept_whole(tmp_path: Path) -> None:
    value = ["x" * 1000] * 20_000
    (tmp_path / "x").write_text(json.dumps(value))
    assert parameters.parameters(declared(tmp_path / "x", "LIST"), {}) == {"x": value}


def test_what_a_database_cannot_store_is_replaced_in_metadata() -> None:
    given = {"a\0": ["b\0", 2.0, {"c": "\ud800"}], "d": 0.5, "e": None}
    assert parameters.storable([1e300, 10**30, 2**63 - 1, True]) == [1e300, 1e30, 2**63 - 1, True]
    assert [type(value) for value in parameters.storable([1e300, 10**30])] == [float, float]
    assert parameters.storable(given) == {
        "a\ufffd": ["b\ufffd", 2, {"c": "?"}],
        "d": 0.5,
        "e": None,
    }


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("/steps/1/out/model", "s3://b/1/model"),
        ("/steps/1/out/model/part", "s3://b/1/model/part"),
        ("/steps/1/in/data/0/rows", "s3://b/0/rows"),
        ("/steps/1/out/models", "/steps/1/out/models"),
        ("see /steps/1/out/model", "see /steps/1/out/model"),
        ("/elsewhere", "/elsewhere"),
    ],
)
def test_a_local_uri_becomes_the_uri_in_the_store(tmp_path: Path, told: str, value: str) -> None:
    launch = {
        **declared(tmp_path / "x", "STRING"),
        "output_artifacts": [{"handed_uri": "/steps/1/out/model", "uri": "s3://b/1/model"}],
        "inputs": [{"path": "/steps/1/in/data/0/rows", "uri": "s3://b/0/rows"}],
    }
    assert parameters.parameters(launch, {"parameterValues": {"x": told}}) == {"x": value}

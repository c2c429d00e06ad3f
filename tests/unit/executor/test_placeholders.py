"""Placeholders of a command line and what stands in their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from headrace_executor.core.placeholders import (
    PlaceholderError,
    format_value,
    resolve_command,
    resolve_text,
)

GIVEN: dict[str, Any] = {
    "inputs": {
        "parameterValues": {
            "text": 'a "b" {{$}}',
            "whole": 7,
            "flag": True,
            "list": [1, {"a": 2}],
            "null": None,
        },
        "artifacts": {
            "data": {
                "artifacts": [
                    {"name": "data", "uri": "/in/0", "metadata": {"rows": 3.0, "kind": "csv"}},
                    {"name": "data", "uri": "/in/1", "metadata": {}},
                ]
            }
        },
    },
    "outputs": {
        "parameters": {"n": {"outputFile": "/out/n"}},
        "artifacts": {"model": {"artifacts": [{"name": "model", "uri": "/out/model"}]}},
        "outputFile": "/out/executor_output.json",
    },
}
DECLARED = {"text", "whole", "flag", "list", "null", "data", "absent", "default"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a b", "a b"),
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (True, "true"),
        ([1.0, "ö"], '[1,"ö"]'),
        ({"a": [None, False]}, '{"a":[null,false]}'),
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ("plain {{x}}", ["plain {{x}}"]),
        ("{{$.inputs.parameters['whole']}}", ["7"]),
        ('x-{{$.inputs.parameters["flag"]}}-y', ["x-true-y"]),
        ("{{$.inputs.parameters['text']}}", ['a "b" {{$}}']),
        ("{{$.inputs.parameters['list']}}", ['[1,{"a":2}]']),
        ("{{$.inputs.parameters['null']}}", [""]),
        ("{{$.inputs.parameters['absent']}}", [""]),
        ("{{$.inputs.parameters['default']}}", ["the default"]),
        ("{{$.inputs.artifacts['data'].uri}}", ["/in/0"]),
        ("{{$.inputs.artifacts['data'].path}}/x", ["/in/0/x"]),
        ("{{$.inputs.artifacts['data'].metadata['rows']}}", ["3"]),
        ("{{$.inputs.artifacts['data'].metadata['none']}}", [""]),
        ("{{$.inputs.artifacts['absent'].uri}}", [""]),
        ("{{$.outputs.parameters['n'].output_file}}", ["/out/n"]),
        ("{{$.outputs.artifacts['model'].path}}", ["/out/model"]),
        ("{{$.outputs.output_file}}", ["/out/executor_output.json"]),
        ('{"Concat":["a=","{{$.inputs.parameters[\'whole\']}}"]}', ["a=7"]),
        ('{"IfPresent":{"InputName":"data","Then":["--d","x"]}}', ["--d", "x"]),
        ('{"IfPresent":{"InputName":"null","Then":"a","Else":"b"}}', ["b"]),
        ('{"IfPresent":{"InputName":"absent","Then":"a"}}', []),
        (
            '{"Concat":["a",{"IfPresent":{"InputName":"flag","Then":{"Concat":["b","c"]}}}]}',
            ["abc"],
        ),
        ('{"Concat":["a"],"other":1}', ['{"Concat":["a"],"other":1}']),
        ('{"Concat": not json', ['{"Concat": not json']),
    ],
)
def test_an_element_is_resolved(element: str, words: list[str]) -> None:
    defaults = {"default": "the default"}
    assert resolve_command([element], [], GIVEN, defaults, DECLARED) == tuple(words)


def test_the_executor_input_is_json_of_everything() -> None:
    assert json.loads(resolve_text("{{$}}", GIVEN, {}, DECLARED)) == GIVEN
    whole = resolve_text("{{$.inputs.artifacts['data']}}", GIVEN, {}, DECLARED)
    assert json.loads(whole) == GIVEN["inputs"]["artifacts"]["data"]["artifacts"]


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("{{$.inputs.parameters['none']}}", "args[0]: .*no input 'none'; it has: absent, data"),
        ("{{$.inputs.artifacts['none'].uri}}", "no input 'none'"),
        ("{{$.outputs.parameters['none'].output_file}}", "no output parameter 'none'; it has: n"),
        ("{{$.outputs.artifacts['none'].uri}}", "no output artifact 'none'; it has: model"),
        ("{{$.outputs.parameters['n'].uri}}", "is not a placeholder of n"),
        ('{"IfPresent":{"Then":"a"}}', "malformed structure"),
    ],
)
def test_an_unknown_name_is_an_error(element: str, expected: str) -> None:
    with pytest.raises(PlaceholderError, match=expected.replace("[0]", r"\[0\]")):
        resolve_command([], [element], GIVEN, {}, DECLARED)

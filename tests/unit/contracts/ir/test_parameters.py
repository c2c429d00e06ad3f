"""Conversion of parameter values to their types, and the parameters of a run."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.models import ComponentInputs
from headrace_contracts.ir.parameters import (
    InvalidParameters,
    ParameterError,
    convert,
    run_parameters,
    whole_numbers,
)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (3, "NUMBER_INTEGER", 3),
        (3.0, "NUMBER_INTEGER", 3),
        (-0.0, "NUMBER_INTEGER", 0),
        (2.5, "NUMBER_DOUBLE", 2.5),
        (3, "NUMBER_DOUBLE", 3),
        (1e300, "NUMBER_DOUBLE", 1e300),
        (True, "BOOLEAN", True),
        ("text", "STRING", "text"),
        ("", "STRING", ""),
        (7.0, "STRING", "7"),
        (0.5, "STRING", "0.5"),
        (False, "STRING", "false"),
        (None, "STRING", "null"),
        ([1.0, {"a": None}], "STRING", '[1,{"a":null}]'),
        ([], "LIST", []),
        ([1.0, [2.0]], "LIST", [1, [2]]),
        ({"a": {"b": 1.0}}, "STRUCT", {"a": {"b": 1}}),
        ({"state": "SUCCEEDED"}, "TASK_FINAL_STATUS", {"state": "SUCCEEDED"}),
        ({"env": []}, "TASK_CONFIG", {"env": []}),
    ],
)
def test_valid_values(value: Any, kind: str, expected: Any) -> None:
    fitted = convert(value, kind)
    assert fitted == expected
    assert type(fitted) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("3", "NUMBER_INTEGER", 'expected an integer, got "3"'),
        (2.5, "NUMBER_INTEGER", "expected an integer, got 2.5"),
        (1e300, "NUMBER_INTEGER", "expected an integer, got 1e+300"),
        (True, "NUMBER_INTEGER", "expected an integer, got true"),
        (None, "NUMBER_INTEGER", "expected an integer, got null"),
        ("2.5", "NUMBER_DOUBLE", 'expected a number, got "2.5"'),
        (False, "NUMBER_DOUBLE", "expected a number, got false"),
        (1, "BOOLEAN", "expected true or false, got 1"),
        ("true", "BOOLEAN", 'expected true or false, got "true"'),
        ("[]", "LIST", 'expected a list, got "[]"'),
        ({}, "LIST", "expected a list, got {}"),
        ([], "STRUCT", "expected an object, got []"),
        ("x", "TASK_FINAL_STATUS", "expected a task's final status"),
        ("x", "TASK_CONFIG", "expected a task configuration"),
        ("y" * 100, "LIST", 'expected a list, got "' + "y" * 56 + "..."),
    ],
)
def test_invalid_values(value: Any, kind: str, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        convert(value, kind)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, 1),
        (2.0**53, 2**53),
        (2.0**53 + 2, 2.0**53 + 2),
        (-1e20, -1e20),
        (True, True),
        ({"a": [1.0, {"b": 2.0}], "c": "1.0"}, {"a": [1, {"b": 2}], "c": "1.0"}),
    ],
)
def test_integral_doubles_become_integers_where_they_are_exact(value: Any, expected: Any) -> None:
    assert repr(whole_numbers(value)) == repr(expected)


def test_infinities_do_not_change() -> None:
    assert whole_numbers(float("inf")) == float("inf")


DECLARED = ComponentInputs.model_validate(
    {
        "parameters": {
            "rounds": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0},
            "label": {"parameterType": "STRING"},
            "note": {"parameterType": "STRING", "isOptional": True},
            "mode": {
                "parameterType": "STRING",
                "defaultValue": "fast",
                "literals": ["fast", "good"],
            },
            "size": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1, "literals": [1.0, 2.0]},
        }
    }
)
DEFAULTS = {"rounds": 3, "mode": "fast", "size": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"label": "a"}, {**DEFAULTS, "label": "a"}),
        ({"label": "a", "rounds": 5.0}, {**DEFAULTS, "label": "a", "rounds": 5}),
        ({"label": "a", "rounds": None}, {**DEFAULTS, "label": "a"}),
        ({"label": "a", "note": None}, {**DEFAULTS, "label": "a"}),
        ({"label": "", "note": ""}, {**DEFAULTS, "label": "", "note": ""}),
        ({"label": "a", "mode": "good"}, {**DEFAULTS, "label": "a", "mode": "good"}),
        ({"label": "a", "size": 2.0}, {**DEFAULTS, "label": "a", "size": 2}),
        ({"label": "a", "rounds": 0}, {**DEFAULTS, "label": "a", "rounds": 0}),
    ],
)
def test_a_run_has_the_given_parameters_and_the_defaults(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert run_parameters(DECLARED, given) == expected


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        ({}, "label", "the required parameter 'label' is missing"),
        ({"label": None}, "label", "the required parameter 'label' is missing"),
        (
            {"label": "a", "rouns": 1},
            "rouns",
            "the pipeline has no parameter 'rouns'; it has: rounds, label, note, mode, size",
        ),
        (
            {"label": "a", "rounds": "3"},
            "rounds",
            "parameter 'rounds': expected an integer, got \"3\"",
        ),
        ({"label": 3}, "label", "parameter 'label': expected a string, got 3"),
        (
            {"label": "a", "mode": "slow"},
            "mode",
            'parameter \'mode\': "slow" is not one of "fast", "good"',
        ),
    ],
)
def test_an_invalid_parameter_is_rejected_by_name(
    given: dict[str, Any], name: str, message: str
) -> None:
    with pytest.raises(InvalidParameters) as caught:
        run_parameters(DECLARED, given)
    rejection = caught.value.rejection
    assert rejection.code == RejectionCode.INVALID_PARAMETER
    assert (rejection.field, rejection.message) == (f"parameters.{name}", message)


def test_a_pipeline_without_parameters_rejects_parameters() -> None:
    with pytest.raises(InvalidParameters, match="it has: none"):
        run_parameters(ComponentInputs(), {"x": 1})

"""Conditions and selectors: what the kfp SDK compiles, and the rest of CEL."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.ir.expressions import (
    ExpressionError,
    apply_selector,
    check_condition,
    check_selector,
    condition_holds,
)

X = "inputs.parameter_values['x']"
Y = "inputs.parameter_values['pipelinechannel--flip-coin-Output']"


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        (f"{X} == 'heads'", "heads", True),
        (f"{X} == 'heads'", "tails", False),
        (f"{X} != 'heads'", "tails", True),
        (f"{X} < 'b'", "a", True),
        (f"{X} >= 'b'", "a", False),
        (f"{X} == ''", "", True),
        (f"{X} == 'née \"x\"'", 'née "x"', True),
        (f"int({X}) == 3", 3, True),
        (f"int({X}) == 3", 3.0, True),
        (f"int({X}) != 3", 3, False),
        (f"int({X}) > 5", 6, True),
        (f"int({X}) > 5", 5, False),
        (f"int({X}) >= 5", 5, True),
        (f"int({X}) < 5", -5, True),
        (f"int({X}) <= 5", 6, False),
        (f"int({X}) == 3", "3", True),
        (f"{X} > 0.5", 0.75, True),
        (f"{X} > 0.5", 1, True),
        (f"{X} <= 0.5", 1, False),
        (f"{X} == 1.0", 1, True),
        (f"{X} > double(1)", 1.5, True),
        (f"double({X}) > 0.1", 1, True),
        (f"double({X}) > 0.1", "0.5", True),
        (f"double(int({X})) < 2.5", 2, True),
        (f"{X} == true", True, True),
        (f"{X} == false", True, False),
        (f"{X} != true", False, True),
        (f"!({X} == 'heads')", "heads", False),
        (f"!({X} == 'heads')", "tails", True),
        (f"!(int({X}) > 5)", 5, True),
    ],
)
def test_the_comparisons_of_the_sdk(condition: str, value: Any, expected: bool) -> None:
    assert condition_holds(condition, {"x": value}) is expected


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [(1, 1, True, True), (1, 2, False, True), (2, 1, False, True), (2, 2, False, False)],
)
def test_conditions_are_combined(a: int, b: int, both: bool, either: bool) -> None:
    left, right = "inputs.parameter_values['a'] == 1", "inputs.parameter_values['b'] == 1"
    values = {"a": a, "b": b}
    assert condition_holds(f"{left} && {right}", values) is both
    assert condition_holds(f"{left} || {right}", values) is either
    assert condition_holds(f"!({left}) && !({right})", values) is not either
    assert condition_holds(f"!({left}) && {right}", values) is (a != 1 and b == 1)


def test_input_names_of_the_sdk_are_keys() -> None:
    assert condition_holds(f"{Y} == 'heads'", {"pipelinechannel--flip-coin-Output": "heads"})


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        (f"{X} == null", None, True),
        (f"{X} == null", 0, False),
        (f"{X} != null", None, False),
        (f"{X} == 'a'", None, False),
        (f"{X} == true", 1, False),
        (f"{X} == '1'", 1, False),
        (f"{X} in ['a', 'b']", "b", True),
        (f"'b' in {X}", ["a"], False),
        (f"size({X}) == 2", [1, 2], True),
        (f"{X}[0] == 1", [1.0], True),
        (f"{X} == [1, 2]", [1, 2.0], True),
        (f"{X}.deep.key == 'v'", {"deep": {"key": "v"}}, True),
        (f"{X}['deep']['key'] == 'w'", {"deep": {"key": "v"}}, False),
        (f"{X} == {{'a': 1}}", {"a": 1}, True),
        (f"has({X}.key)", {}, False),
        ("has(inputs.parameter_values.absent)", 1, False),
        (f"{X}.exists(item, item > 2)", [1, 3], True),
        (f"{X}.all(item, item > 2)", [1, 3], False),
        (f"{X}.startsWith('ab') && {X}.endsWith('cd')", "abcd", True),
        (f"{X}.matches('^a+$')", "aaa", True),
        (f"parseJson({X})['a'] == 1", '{"a": 1}', True),
        (f"int(parseJson({X})['a']) > 1", '{"a": 2.0}', True),
        (f"{X} > 1 ? true : false", 2, True),
        (X, False, False),
    ],
)
def test_the_rest_of_the_language(condition: str, value: Any, expected: bool) -> None:
    assert condition_holds(condition, {"x": value}) is expected


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        (f"{X} + 1 == 2", 1, True),
        (f"{X} + 1.0 == 2.0", 1, True),
        (f"{X} * 0.5 == 1.0", 2, True),
        (f"{X}.n + 1.5 > 2.0", {"n": 1}, True),
        (f"{X}[0] / 2.0 == 0.5", [1], True),
        (f"{X} == 9007199254740993", 2**53 + 1, True),
        (f"{X} == 9007199254740992", 2**53 + 1, False),
        (f"{X} > 3", 2**70, True),
        (f"{X} < -3", -(2**70), True),
    ],
)
def test_integers_stay_exact_and_become_doubles_where_needed(
    condition: str, value: Any, expected: bool
) -> None:
    assert condition_holds(condition, {"x": value}) is expected


@pytest.mark.parametrize(
    ("condition", "value", "message"),
    [
        (X, "text", "evaluates to 'text', not to true or false"),
        (X, 1, "not to true or false"),
        (X, None, "evaluates to None, not to true or false"),
        ("inputs.parameter_values['y'] == 1", 1, 'Key not found in map : "y"'),
        ("outputs.x == 1", 1, 'No value with name "outputs"'),
        (f"int({X}) == 1", None, "int(null_type)"),
        (f"int({X}) == 1", "one", "cannot convert string to int"),
        (f"{X} < 1", None, "_<_(null_type, int64)"),
        (f"{X} < 1", "1", "No matching overloads"),
        (f"{X} + 1 == 2.5", 1.5, "No matching overloads"),
        (f"{X}[2] == 1", [1], "index=2 size=1"),
        (f"{X}.k == 1", {}, 'Key not found in map : "k"'),
        (f"{X}.matches('a(')", "a", "missing )"),
        (f"1 / int({X}) == 1", 0, "divide by zero"),
        (f"parseJson({X}) == 1", "nope", "Expecting value: line 1 column 1"),
        (f"parseJson({X}) == 1", "[" * 100_000, "recursion"),
        (f"{X} == 'a'", "\ud800", "construction"),
        (f"{X} > 1", 10**400, "too large"),
    ],
)
def test_an_expression_that_cannot_be_evaluated_raises_an_error(
    condition: str, value: Any, message: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        condition_holds(condition, {"x": value})
    assert message in str(caught.value)


def test_an_expensive_evaluation_is_stopped() -> None:
    numbers = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    nested = "".join(f"{numbers}.all(a{level}, " for level in range(12)) + "true" + ")" * 12
    with pytest.raises(ExpressionError, match="budget"):
        condition_holds(nested, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not valid CEL: "),
        ("1 ==", "'1 ==' is not valid CEL: "),
        ("parseJson(", "mismatched input"),
        ("'inputs.parameter_values['x']' == 'y'", "mismatched input 'x'"),
        ("a = 1", "is not valid CEL"),
        ("((" * 100 + "1" + "))" * 100, "recursion"),
        ("1" + "+1" * 1000, "recursion"),
        ("'" + "x" * 200_000 + "' == 'y'", "codepoint limit"),
        ("'\ud800' == 'y'", "not Unicode"),
    ],
)
def test_a_syntax_error_is_found_before_the_run(text: str, message: str) -> None:
    for check in (check_condition, check_selector):
        with pytest.raises(ExpressionError) as caught:
            check(text)
        assert message in str(caught.value)
        assert len(str(caught.value)) < 600


def test_a_syntax_check_does_not_evaluate() -> None:
    check_condition("inputs.parameter_values['unknown'] == 1 / 0")
    check_selector('parseJson(string_value)["unknown"]')


@pytest.mark.parametrize(
    ("selector", "value", "expected"),
    [
        ('parseJson(string_value)["A_a"]', '{"A_a": 5}', 5),
        ('parseJson(string_value)["A_a"]', {"A_a": 5, "B_b": 6}, 5),
        ('parseJson(string_value)["a"]["b"]', {"a": {"b": None}}, None),
        ('parseJson(string_value)["a"]', {"a": [1, {"b": 2.5}]}, [1, {"b": 2.5}]),
        ('parseJson(string_value)["a"]', '{"a": "naïve"}', "naïve"),
        ('parseJson(string_value)["a"]', {"a": True}, True),
        ('parseJson(string_value)["a"]', '{"a": 12345678901234567890}', 12345678901234567890),
        ("parseJson(string_value)[1]", [1, "two"], "two"),
        ("parseJson(string_value)", "[1, 2.0]", [1, 2]),
        ("string_value", "text", "text"),
        ("string_value", 3, "3"),
        ("string_value", True, "true"),
        ("string_value", {"a": 1}, '{"a": 1}'),
        ("number_value", 3, 3),
        ("number_value", 2.5, 2.5),
        ("number_value", True, None),
        ("number_value", "3", None),
        ("number_value + 1.5", 1, 2.5),
        ("number_value", 2**70, float(2**70)),
        ("bool_value", True, True),
        ("bool_value", 1, None),
        ("list_value[1]", [1, "b"], "b"),
        ("list_value", {"a": 1}, None),
        ("struct_value.key", {"key": "v"}, "v"),
        ("struct_value", [1], None),
    ],
)
def test_a_selector_selects_a_part(selector: str, value: Any, expected: Any) -> None:
    picked = apply_selector(selector, value)
    assert picked == expected
    assert type(picked) is type(expected)


@pytest.mark.parametrize(
    ("selector", "value", "message"),
    [
        ('parseJson(string_value)["A_a"]', {"B_b": 5}, 'Key not found in map : "A_a"'),
        ("parseJson(string_value)[2]", [1], "index=2 size=1"),
        ("parseJson(string_value)", "no json", "Expecting value"),
        ("struct_value.key", {}, 'Key not found in map : "key"'),
        ("list_value[0]", "text", "Invalid container type"),
        ("unknown_value", 1, 'No value with name "unknown_value"'),
        ("parseJson(string_value)", "NaN", "does not evaluate to a JSON value"),
        ("parseJson(string_value)", '{"a": 1e999}', "does not evaluate to a JSON value"),
        ("b'bytes'", 1, "does not evaluate to a JSON value"),
        ("timestamp('2026-01-01T00:00:00Z')", 1, "does not evaluate to a JSON value"),
        ("type(number_value)", 1, "does not evaluate to a JSON value"),
    ],
)
def test_a_missing_part_raises_an_error(selector: str, value: Any, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        apply_selector(selector, value)
    assert message in str(caught.value)

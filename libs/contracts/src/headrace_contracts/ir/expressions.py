"""Expressions in the IR: conditions and selectors, in the Common Expression Language (CEL).

The CEL project's C++ runtime evaluates them. KFP adds the variables below and the function
``parseJson(string)``.
Source: KFP's `backend/src/v2/expression`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from headrace_contracts.ir.parameters import whole_numbers

_SELECTED = {
    "string_value": cel.Type.DYN,
    "number_value": cel.Type.DYN,
    "bool_value": cel.Type.DYN,
    "list_value": cel.Type.DYN,
    "struct_value": cel.Type.DYN,
}
_PARSE_JSON = cel.FunctionDecl(
    "parseJson",
    [cel.Overload("parseJson_string", cel.Type.DYN, [cel.Type.STRING], impl=json.loads)],
)
_CONDITIONS = cel.NewEnv(variables={"inputs": cel.Type.DYN}, functions=[_PARSE_JSON])
_SELECTORS = cel.NewEnv(variables=_SELECTED, functions=[_PARSE_JSON])
_CACHED = 4096
_MAX_SHOWN = 200
_FOR_DOUBLES = ("No matching overloads", "out of range for")
"""In errors of the runtime about integers that it would accept as doubles."""


class ExpressionError(ValueError):
    """The expression cannot be parsed or evaluated; the message says why."""


def check_condition(text: str) -> None:
    """Check the syntax of a condition; raises `ExpressionError`."""
    _condition(text)


def check_selector(text: str) -> None:
    """Check the syntax of a selector; raises `ExpressionError`."""
    _selector(text)


def condition_holds(condition: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a task's condition is true for its input parameters. An absent one is null.

    Raises:
        ExpressionError: the condition cannot be evaluated, or its value is not a boolean.
    """
    program = _condition(condition)
    value = _evaluate(
        program, lambda values: {"inputs": {"parameter_values": values}}, dict(parameters)
    )
    if not isinstance(value, bool):
        raise ExpressionError(f"{_shown(condition)} evaluates to {value!r}, not to true or false")
    return value


def apply_selector(selector: str, value: Any) -> Any:
    """The part of a parameter's value that a selector selects.

    Raises:
        ExpressionError: there is no such part, or it is not a JSON value.
    """

    def variables(selected: Any) -> dict[str, Any]:
        is_number = isinstance(selected, int | float) and not isinstance(selected, bool)
        text = selected if isinstance(selected, str) else json.dumps(selected)
        return {
            "string_value": text,
            "number_value": selected if is_number else None,
            "bool_value": selected if isinstance(selected, bool) else None,
            "list_value": selected if isinstance(selected, list) else None,
            "struct_value": selected if isinstance(selected, dict) else None,
        }

    selected = _evaluate(_selector(selector), variables, value)
    try:
        return whole_numbers(json.loads(json.dumps(selected, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise ExpressionError(
            f"{_shown(selector)} does not evaluate to a JSON value: {error}"
        ) from None


def _evaluate(program: Any, variables: Callable[[Any], dict[str, Any]], value: Any) -> Any:
    """In KFP all numbers are doubles. CEL mixes doubles and integers in comparisons but not in
    arithmetic, so an expression that fails with integers is evaluated again with doubles."""
    try:
        result = program.eval(data=variables(value))
        if result.type() == cel.Type.ERROR and any(m in str(result.value()) for m in _FOR_DOUBLES):
            result = program.eval(data=variables(_doubles(value)))
        failed = result.type() == cel.Type.ERROR
        found = result.value() if failed else result.plain_value()
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise ExpressionError(_cut(str(error).splitlines()[0])) from None
    if failed:
        raise ExpressionError(_cut(str(found).partition(": ")[2] or str(found)))
    return found


def _doubles(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [_doubles(item) for item in value]
        case dict():
            return {key: _doubles(item) for key, item in value.items()}
        case _:
            return value


@lru_cache(_CACHED)
def _condition(text: str) -> Any:
    return _compiled(_CONDITIONS, text)


@lru_cache(_CACHED)
def _selector(text: str) -> Any:
    return _compiled(_SELECTORS, text)


def _compiled(environment: Any, text: str) -> Any:
    try:
        return environment.compile(text, disable_check=True)  # parameters have no static types
    except TypeError:  # half of a surrogate pair
        raise ExpressionError(f"{_shown(text)} is not valid CEL: it is not Unicode text") from None
    except (RuntimeError, ValueError) as error:
        fault = str(error).replace("INVALID_ARGUMENT: ", "").splitlines()[0]
        raise ExpressionError(f"{_shown(text)} is not valid CEL: {_cut(fault)}") from None


def _shown(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."

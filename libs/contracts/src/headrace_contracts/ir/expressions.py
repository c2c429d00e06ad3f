"""Expressions in the IR: conditions and selectors, in the Common Expression Language (CEL).

The language itself is that of the CEL project's own C++ runtime. What KFP adds: the variables
below, and the function ``parseJson(string)``.
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
_REMEMBERED = 4096


class ExpressionError(ValueError):
    """The expression cannot be parsed or evaluated; the message says why."""


def check_condition(text: str) -> None:
    """Raise `ExpressionError` when a condition is not CEL."""
    _condition(text)


def check_selector(text: str) -> None:
    """Raise `ExpressionError` when a selector is not CEL."""
    _selector(text)


def holds(condition: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a task's condition is true for its input parameters; an absent one is null.

    Raises:
        ExpressionError: it cannot be evaluated, or gives something else than true or false.
    """
    program = _condition(condition)
    value = _evaluate(
        program, lambda values: {"inputs": {"parameter_values": values}}, dict(parameters)
    )
    if not isinstance(value, bool):
        raise ExpressionError(f"{condition!r} gives {value!r}, which is neither true nor false")
    return value


def select(selector: str, value: Any) -> Any:
    """The part of a parameter's value that a selector picks.

    Raises:
        ExpressionError: there is no such part.
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

    return whole_numbers(_evaluate(_selector(selector), variables, value))


def _evaluate(program: Any, variables: Callable[[Any], dict[str, Any]], value: Any) -> Any:
    """KFP has doubles only, and CEL mixes them with whole numbers in comparisons but not in
    arithmetic: what does not go with whole numbers is tried with doubles."""
    result = program.eval(data=variables(value))
    if result.type() == cel.Type.ERROR and "No matching overloads" in str(result.value()):
        result = program.eval(data=variables(_doubles(value)))
    if result.type() == cel.Type.ERROR:
        raise ExpressionError(str(result.value()).partition(": ")[2] or str(result.value()))
    return result.plain_value()


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


@lru_cache(_REMEMBERED)
def _condition(text: str) -> Any:
    return _compiled(_CONDITIONS, text)


@lru_cache(_REMEMBERED)
def _selector(text: str) -> Any:
    return _compiled(_SELECTORS, text)


def _compiled(environment: Any, text: str) -> Any:
    try:
        return environment.compile(text, disable_check=True)  # values have no static types
    except (RuntimeError, ValueError) as error:
        words = str(error).replace("INVALID_ARGUMENT: ", "").splitlines()[0]
        raise ExpressionError(f"{text!r} is not CEL: {words}") from None

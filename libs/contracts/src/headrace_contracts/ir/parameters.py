"""Checks parameter values and converts them to their types.

JSON has one type of number, and clients that use protobuf send ``1`` as ``1.0``; so an integral
double is an integer here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import (
    LONGEST_SECONDS,
    ComponentInputs,
    ParameterDefinition,
)
from headrace_contracts.ir.storable import unstorable

PARAMETER_TYPES = frozenset(
    {
        "NUMBER_INTEGER",
        "NUMBER_DOUBLE",
        "STRING",
        "BOOLEAN",
        "LIST",
        "STRUCT",
        "TASK_FINAL_STATUS",
        "TASK_CONFIG",
    }
)
_EXACT = 2**53
"""A double represents every integer up to here exactly; a larger one may have lost digits."""


class ParameterError(ValueError):
    """A value does not match the parameter's type; the message says what was expected."""


class InvalidParameters(ValueError):
    """The parameters of a run do not match the declarations of the pipeline."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        super().__init__(rejection.message)


def whole_numbers(value: Any) -> Any:
    """The JSON value with every integral float up to 2**53 as an int, including nested ones."""
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        case list():
            return [whole_numbers(item) for item in value]
        case dict():
            return {key: whole_numbers(item) for key, item in value.items()}
        case _:
            return value


def convert(value: Any, parameter_type: str) -> Any:
    """`value` converted to the type. STRING accepts every value, as its JSON text.

    Raises:
        ParameterError: the value has another type.
    """
    value = whole_numbers(value)
    match parameter_type:
        case "STRING":
            return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        case "BOOLEAN" if isinstance(value, bool):
            return value
        case "NUMBER_INTEGER" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "NUMBER_DOUBLE" if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case "LIST" if isinstance(value, list):
            return value
        case "STRUCT" if isinstance(value, dict):
            return value
        case "TASK_FINAL_STATUS" | "TASK_CONFIG" if isinstance(value, dict):
            return value
    raise ParameterError(f"expected {_EXPECTED[parameter_type]}, got {_shown(value)}")


_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?)s")


def seconds(duration: str) -> float:
    """A protobuf duration such as ``5s`` or ``0.25s``, in seconds.

    Raises:
        ParameterError: the text is not a duration, or longer than `LONGEST_SECONDS`.
    """
    match = _DURATION.fullmatch(duration.strip())
    if match is None:
        raise ParameterError(f"{_shown(duration)} is not a duration in seconds, such as '5s'")
    if float(match[1]) > LONGEST_SECONDS:
        raise ParameterError(f"{_shown(duration)} is longer than {LONGEST_SECONDS}s")
    return float(match[1])


_EXPECTED = {
    "BOOLEAN": "true or false",
    "NUMBER_INTEGER": "an integer",
    "NUMBER_DOUBLE": "a number",
    "LIST": "a list",
    "STRUCT": "an object",
    "TASK_FINAL_STATUS": "a task's final status",
    "TASK_CONFIG": "a task configuration",
}


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def run_parameters(inputs: ComponentInputs, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run: the given ones, checked, and the pipeline's defaults.

    An optional parameter without a default is absent if it was not given, or given as null.

    Raises:
        InvalidParameters: a parameter is unknown, missing, of another type, or not allowed.
    """
    for name in given:
        if name not in inputs.parameters:
            known = ", ".join(inputs.parameters) or "none"
            raise _invalid(name, f"the pipeline has no parameter {name!r}; it has: {known}")
    values: dict[str, Any] = {}
    for name, definition in inputs.parameters.items():
        if given.get(name) is not None:
            values[name] = _checked(name, given[name], definition)
        elif definition.default_value is not None:
            values[name] = whole_numbers(definition.default_value)
        elif not definition.is_optional:
            raise _invalid(name, f"the required parameter {name!r} is missing")
    return values


def _checked(name: str, value: Any, definition: ParameterDefinition) -> Any:
    if (found := unstorable(value)) is not None:
        raise _invalid(name, f"parameter {name!r} {found[1]}")
    if definition.parameter_type == "STRING" and not isinstance(value, str):
        raise _invalid(name, f"parameter {name!r}: expected a string, got {_shown(value)}")
    try:
        fitted = convert(value, definition.parameter_type)
    except ParameterError as error:
        raise _invalid(name, f"parameter {name!r}: {error}") from None
    if definition.literals and fitted not in whole_numbers(list(definition.literals)):
        allowed = ", ".join(_shown(literal) for literal in definition.literals)
        raise _invalid(name, f"parameter {name!r}: {_shown(value)} is not one of {allowed}")
    return fitted


def _invalid(name: str, message: str) -> InvalidParameters:
    return InvalidParameters(
        Rejection(code=RejectionCode.INVALID_PARAMETER, message=message, field=f"parameters.{name}")
    )

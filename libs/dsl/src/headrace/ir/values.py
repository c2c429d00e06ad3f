"""Values as the IR has them: in JSON's types, where every number is a double."""

from __future__ import annotations

import math
from typing import Any


def to_value(value: Any) -> Any:
    """A constant as the IR has it.

    Raises:
        ValueError: it is, or holds, what is no text, number, boolean, list or dict.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, dict):
        return {_key(key): to_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_value(each) for each in value]
    raise ValueError(
        "Value must be one of the following types: str, int, float, bool, dict, and list. Got: "
        f'"{value}" of type "{type(value)}".'
    )


def to_struct(value: Any) -> Any:
    """A value of a structure, which may be None too.

    Raises:
        ValueError: it is, or holds, what JSON cannot.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return {_key(key): to_struct(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_struct(each) for each in value]
    return to_value(value)


def default(value: Any, ir_type: str, name: str) -> Any:
    """The default of an input parameter.

    Raises:
        TypeError: it is not of the parameter's type.
    """
    fits = {
        "NUMBER_INTEGER": (int, float),
        "NUMBER_DOUBLE": (int, float),
        "STRING": (str,),
        "BOOLEAN": (bool, int),
    }.get(ir_type)
    if fits is None:
        return to_value(value)
    if not isinstance(value, fits):
        raise TypeError(
            f"The default of {name!r} is {value!r} of type {type(value).__name__}; its own type is "
            f"{ir_type}."
        )
    if ir_type == "BOOLEAN":
        return bool(value)
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> float:
    number = float(value)
    if math.isinf(number) or math.isnan(number):
        raise ValueError(f"{number} cannot stand in the IR: JSON has no such number.")
    return number


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"A key of a dict is a text. Got: {key!r} of type {type(key).__name__}.")
    return key

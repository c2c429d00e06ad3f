"""Converts values to the IR's JSON types, where every number is a double."""

from __future__ import annotations

import math
from typing import Any


def to_value(value: Any) -> Any:
    """Convert a constant.

    Raises:
        ValueError: It is or contains something other than strings, numbers, booleans, lists and
            dicts.
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
    """Convert a JSON value, which can also contain None.

    Raises:
        ValueError: It is or contains something that JSON cannot represent.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return {_key(key): to_struct(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_struct(each) for each in value]
    return to_value(value)


def default(value: Any, ir_type: str, name: str) -> Any:
    """Convert the default of an input parameter.

    Raises:
        TypeError: It does not have the parameter's type.
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
            f"The default {value!r} of {name!r} has the type {type(value).__name__}, but the "
            f"parameter has the type {ir_type}."
        )
    if ir_type == "BOOLEAN":
        return bool(value)
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> float:
    number = float(value)
    if math.isinf(number) or math.isnan(number):
        raise ValueError(f"{number} cannot be used as a value: JSON has no such number.")
    return number


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(
            f"The keys of a dict must be of type str. Got: {key!r} of type {type(key).__name__}."
        )
    return key

"""The grammar of list filters: a JSON list of predicates that are all true.

Source: KFP's v2beta1 `filter.proto` and its JSON mapping, ``{"predicates": [{"operation": "EQUALS",
"key": "name", "string_value": "train"}]}``. Field names may be in snake_case or camelCase, an
operation may be a name or a number. `NOT_IN` is an extension.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable

from headrace_runtime.errors import RejectedError

_LONGEST = 20_000
_MOST_PREDICATES = 20
_MOST_VALUES = 200


class Operation(StrEnum):
    """A comparison."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_EQUALS = "GREATER_THAN_EQUALS"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_EQUALS = "LESS_THAN_EQUALS"
    IN = "IN"
    NOT_IN = "NOT_IN"
    IS_SUBSTRING = "IS_SUBSTRING"


_NUMBERS = {
    1: Operation.EQUALS,
    2: Operation.NOT_EQUALS,
    3: Operation.GREATER_THAN,
    5: Operation.GREATER_THAN_EQUALS,
    6: Operation.LESS_THAN,
    7: Operation.LESS_THAN_EQUALS,
    8: Operation.IN,
    9: Operation.IS_SUBSTRING,
}
_SCALARS = ("int_value", "long_value", "string_value", "timestamp_value")
_ARRAYS = ("int_values", "long_values", "string_values")
LIST_OPERATIONS = frozenset({Operation.IN, Operation.NOT_IN})

Scalar = str | int | datetime
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One comparison. `value` is a tuple exactly for the operations in `LIST_OPERATIONS`."""

    key: str
    operation: Operation
    value: Value


def parse_filter(text: str) -> tuple[Predicate, ...]:
    """The predicates of a filter; none for an empty text.

    Raises:
        RejectedError: the filter is malformed; the message says where.
    """
    if not text:
        return ()
    if len(text) > _LONGEST:
        raise invalid_filter(f"must not be longer than {_LONGEST} characters")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_filter("must be JSON") from None
    if not isinstance(given, dict):
        raise invalid_filter("must be a JSON object with 'predicates'")
    unknown = set(given) - {"predicates"}
    predicates = given.get("predicates") or []
    if unknown or not isinstance(predicates, list):
        raise invalid_filter("must be a JSON object with a list of 'predicates' and nothing else")
    if len(predicates) > _MOST_PREDICATES:
        raise invalid_filter(f"must not have more than {_MOST_PREDICATES} predicates")
    return tuple(_predicate(one) for one in predicates)


def filter_text(predicates: tuple[Predicate, ...]) -> str:
    """The text of a filter, the inverse of `parse_filter`."""
    return (
        json.dumps({"predicates": [_written(one) for one in predicates]}, separators=(",", ":"))
        if predicates
        else ""
    )


def invalid_filter(fault: str) -> RejectedError:
    """The error for an invalid filter."""
    return RejectedError.because(RejectionCode.MALFORMED, f"filter: {fault}", "filter")


def _predicate(given: Any) -> Predicate:
    if not isinstance(given, dict):
        raise invalid_filter("each predicate must be a JSON object")
    fields = {_snake(name): value for name, value in given.items()}
    key, operation = fields.pop("key", None), _operation(fields.pop("operation", None))
    if not isinstance(key, str) or not key:
        raise invalid_filter("each predicate must have a 'key'")
    if len(fields) != 1:
        raise invalid_filter(f"predicate {key!r} must have exactly one value, got {len(fields)}")
    ((name, value),) = fields.items()
    if name in _ARRAYS:
        if operation not in LIST_OPERATIONS:
            raise invalid_filter(f"{operation} on {key!r} takes one value, not {name}")
        return Predicate(key, operation, _array(key, name, value))
    if name not in _SCALARS:
        raise invalid_filter(f"predicate {key!r} has an unknown field {name!r}")
    if operation in LIST_OPERATIONS:
        raise invalid_filter(f"{operation} on {key!r} takes several values, not {name}")
    return Predicate(key, operation, _scalar(key, name, value))


def _operation(given: Any) -> Operation:
    try:
        return _NUMBERS[given] if isinstance(given, int) else Operation(given)
    except (ValueError, KeyError):
        raise invalid_filter(f"unknown operation {given!r}") from None


def _array(key: str, name: str, value: Any) -> tuple[Scalar, ...]:
    values = value.get("values") if isinstance(value, dict) else None
    if not isinstance(values, list):
        raise invalid_filter(f"{name} of {key!r} must be an object with a list of 'values'")
    if len(values) > _MOST_VALUES:
        raise invalid_filter(f"{name} of {key!r} must not have more than {_MOST_VALUES} values")
    return tuple(_scalar(key, name.removesuffix("s"), one) for one in values)


def _scalar(key: str, name: str, value: Any) -> Scalar:
    try:
        if name == "string_value" and isinstance(value, str) and unstorable(value) is None:
            return value
        if name == "timestamp_value" and isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        if name in ("int_value", "long_value") and not isinstance(value, bool | float):
            number = int(value)
            if -(2**63) <= number < 2**63:
                return number
    except (ValueError, TypeError, OverflowError):
        pass
    raise invalid_filter(f"{name} of {key!r} is not valid: {value!r}")


def _written(one: Predicate) -> dict[str, Any]:
    if isinstance(one.value, tuple):
        kind = "long" if one.value and isinstance(one.value[0], int) else "string"
        value: Any = {"values": list(one.value)}
        return {"operation": one.operation, "key": one.key, f"{kind}_values": value}
    if isinstance(one.value, datetime):
        return {
            "operation": one.operation,
            "key": one.key,
            "timestamp_value": one.value.isoformat(),
        }
    kind = "long" if isinstance(one.value, int) else "string"
    return {"operation": one.operation, "key": one.key, f"{kind}_value": one.value}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)

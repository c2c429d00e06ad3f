"""Comparison of JSON types: a string in the place of a number is a mistake, even where a parser
could convert it."""

from __future__ import annotations

from typing import Any


def first_type_mismatch(given: Any, parsed: Any) -> tuple[str, str, str] | None:
    """The first place where a decoded JSON value has another type than the value parsed from it:
    the dotted path, the expected type and the given type; None if there is none."""
    pending: list[tuple[tuple[str, ...], Any, Any]] = [((), given, parsed)]
    while pending:
        path, one, other = pending.pop()
        if _type_of(one) != _type_of(other):
            return ".".join(path), _type_of(other), _type_of(one)
        if isinstance(one, dict):
            pending += [
                ((*path, key), value, other[key]) for key, value in one.items() if key in other
            ]
        elif isinstance(one, list):
            pending += [
                ((*path, str(at)), *pair) for at, pair in enumerate(zip(one, other, strict=False))
            ]
    return None


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, dict) else "an array"

"""What kind of JSON a value is: a text that stands where a number belongs is a mistake, also where
a reader could make a number of it."""

from __future__ import annotations

from typing import Any


def converted(given: Any, taken: Any) -> tuple[str, str, str] | None:
    """The first place at which a decoded JSON value is of another kind than what was made of it:
    the dotted place, what was taken, and what was given; None when there is none."""
    waiting: list[tuple[tuple[str, ...], Any, Any]] = [((), given, taken)]
    while waiting:
        place, one, other = waiting.pop()
        if _kind(one) != _kind(other):
            return ".".join(place), _kind(other), _kind(one)
        if isinstance(one, dict):
            waiting += [
                ((*place, key), value, other[key]) for key, value in one.items() if key in other
            ]
        elif isinstance(one, list):
            waiting += [
                ((*place, str(at)), *pair) for at, pair in enumerate(zip(one, other, strict=False))
            ]
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, dict) else "an array"

"""Finds values that JSON parsers accept but Postgres does not store: NUL characters, unpaired
surrogates, NaN, infinity, and very deep nesting.

Requests are checked on arrival, because a later error could not be reported to the caller.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

MAX_DEPTH = 200

Location = tuple[str | int, ...]
_Link = tuple[Any, str | int] | None


def unstorable(value: Any) -> tuple[Location, str] | None:
    """The location and fault of the first value within a decoded JSON value that cannot be stored;
    None if there is none."""
    waiting: list[tuple[Any, int, _Link]] = [(value, 0, None)]
    while waiting:
        current, depth, link = waiting.pop()
        if isinstance(current, str):
            if (fault := _fault(current)) is not None:
                return _location(link), fault
        elif isinstance(current, float):
            if not isfinite(current):
                return _location(link), f"is {current}, which is not a JSON number"
        elif isinstance(current, dict | list):
            if depth == MAX_DEPTH:
                return (), f"is nested deeper than {MAX_DEPTH} levels"
            parts = current.items() if isinstance(current, dict) else enumerate(current)
            for key, part in parts:
                if isinstance(key, str) and (fault := _fault(key)) is not None:
                    return _location(link), f"has a key that {fault}"
                waiting.append((part, depth + 1, (link, key)))
    return None


def require_storable(value: Any) -> Any:
    """`value`, for use as a validator of models.

    Raises:
        ValueError: it cannot be stored; the message names the field.
    """
    if (found := unstorable(value)) is not None:
        location, fault = found
        raise ValueError(f"{'.'.join(map(str, location)) or 'the request'} {fault}")
    return value


def _fault(text: str) -> str | None:
    if "\0" in text:
        return "contains a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "is not Unicode text"
    return None


def _location(link: _Link) -> Location:
    found: list[str | int] = []
    while link is not None:
        link, key = link
        found.append(key)
    return tuple(reversed(found))

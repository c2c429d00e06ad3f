"""What JSON's parsers let through and no store takes: NUL characters, halves of surrogate pairs,
NaN, infinity, and nesting that nothing gets to the bottom of.

Found at the door, because behind it there is nobody to tell.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

MAX_DEPTH = 200

Location = tuple[str | int, ...]
_Link = tuple[Any, str | int] | None


def unstorable(value: Any) -> tuple[Location, str] | None:
    """The place within a decoded JSON value of the first thing that cannot be kept, and what it
    is; None when all of it can."""
    waiting: list[tuple[Any, int, _Link]] = [(value, 0, None)]
    while waiting:
        current, depth, link = waiting.pop()
        if isinstance(current, str):
            if (words := _fault(current)) is not None:
                return _location(link), words
        elif isinstance(current, float):
            if not isfinite(current):
                return _location(link), f"is {current}, which is not a number in JSON"
        elif isinstance(current, dict | list):
            if depth == MAX_DEPTH:
                return (), f"is nested deeper than {MAX_DEPTH}"
            parts = current.items() if isinstance(current, dict) else enumerate(current)
            for key, part in parts:
                if isinstance(key, str) and (words := _fault(key)) is not None:
                    return _location(link), f"has a key that {words}"
                waiting.append((part, depth + 1, (link, key)))
    return None


def _fault(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "is not Unicode text"
    return None


def _location(link: _Link) -> Location:
    found: list[str | int] = []
    while link is not None:
        link, key = link
        found.append(key)
    return tuple(reversed(found))

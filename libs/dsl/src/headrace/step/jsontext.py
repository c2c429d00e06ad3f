"""JSON to values and back, without what the `json` package imports as long as it can do without.

`json` imports `re`, which costs a step as much time as Python's own start; its accelerator `_json`
costs nothing. Invariant: what is not plain is left to `json`, so results and errors are its own.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:  # a Python without the accelerator
    encode_basestring_ascii = make_scanner = None  # type: ignore[assignment, misc]


class _Reading:
    """How `json.loads` reads when it is told nothing."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "-Infinity": float("-inf"),
    }.__getitem__


def loads(text: str) -> Any:
    """What `json.loads` gives.

    Raises:
        ValueError: this is no JSON.
    """
    if make_scanner is not None and "json" not in sys.modules:
        try:
            value, end = make_scanner(_Reading)(text, 0)  # type: ignore[arg-type]
        except (StopIteration, ValueError, SystemError):
            pass  # `json`, without which it cannot say what is wrong, does or skips leading blanks
        else:
            if end == len(text):
                return value
    import json

    return json.loads(text)


def dumps(value: Any) -> str:
    """What `json.dumps` gives.

    Raises:
        TypeError: the value holds what JSON cannot say.
    """
    if encode_basestring_ascii is not None and "json" not in sys.modules:
        try:
            return "".join(_parts(value))
        except (_NotPlainError, RecursionError):
            pass
    import json

    return json.dumps(value)


class _NotPlainError(Exception):
    """The value is not only of the types that JSON has."""


def _parts(value: Any) -> Iterator[str]:
    kind = type(value)
    if kind is str:
        yield encode_basestring_ascii(value)
    elif value is None or kind is bool:
        yield "null" if value is None else str(value).lower()
    elif kind is int or (kind is float and value - value == 0):  # a finite one
        yield repr(value)
    elif kind is list or kind is tuple:
        separator = "["
        for item in value:
            yield separator
            yield from _parts(item)
            separator = ", "
        yield "]" if value else "[]"
    elif kind is dict:
        separator = "{"
        for key, item in value.items():
            if type(key) is not str:
                raise _NotPlainError
            yield separator + encode_basestring_ascii(key) + ": "
            yield from _parts(item)
            separator = ", "
        yield "}" if value else "{}"
    else:
        raise _NotPlainError

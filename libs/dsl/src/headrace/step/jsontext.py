"""`json.loads` and `json.dumps` that avoid importing the `json` package where possible.

`json` imports `re`, which takes a step as long as Python's own start; its C accelerator `_json`
takes no time. Invariant: whatever needs more than the accelerator is left to `json`, so results and
errors are the same.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:  # this Python has no accelerator
    encode_basestring_ascii = make_scanner = None  # type: ignore[assignment, misc]


class _Reading:
    """The default settings of `json.loads`, as the accelerator reads them."""

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
    """Parse JSON like `json.loads`.

    Raises:
        ValueError: The text is not valid JSON.
    """
    if make_scanner is not None and "json" not in sys.modules:
        try:
            value, end = make_scanner(_Reading)(text, 0)  # type: ignore[arg-type]
        except (StopIteration, ValueError, SystemError):
            pass  # `json` accepts leading whitespace, and raises the proper error for the rest
        else:
            if end == len(text):
                return value
    import json

    return json.loads(text)


def dumps(value: Any) -> str:
    """Serialize like `json.dumps`.

    Raises:
        TypeError: The value contains something that JSON cannot represent.
    """
    if encode_basestring_ascii is not None and "json" not in sys.modules:
        try:
            return "".join(_parts(value))
        except (_NotPlainError, RecursionError):
            pass
    import json

    return json.dumps(value)


class _NotPlainError(Exception):
    """The value contains other types than JSON's own."""


def _parts(value: Any) -> Iterator[str]:
    kind = type(value)
    if kind is str:
        yield encode_basestring_ascii(value)
    elif value is None or kind is bool:
        yield "null" if value is None else str(value).lower()
    elif kind is int or (kind is float and value - value == 0):  # a finite number
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

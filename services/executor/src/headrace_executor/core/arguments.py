"""Whether Linux can start a command: no argument and no variable may be too long.

Source: ``MAX_ARG_STRLEN`` of execve(2): 32 pages, with the zero that ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace_executor.core.placeholders import format_value

ARGUMENT_BYTES = 32 * 4096 - 1


def too_long(
    argv: Sequence[str], env: Mapping[str, str], parameters: Mapping[str, Any]
) -> str | None:
    """Says which argument or variable is too long and which input makes it so, None when every
    one fits."""
    words = [(f"argument {index} of the command", word) for index, word in enumerate(argv)]
    words += [(f"environment variable {name!r}", f"{name}={value}") for name, value in env.items()]
    for what, word in words:
        size = len(word.encode(errors="surrogateescape"))
        if size > ARGUMENT_BYTES:
            return (
                f"{what} has {size} bytes, and Linux allows {ARGUMENT_BYTES}"
                f"{_cause(word, parameters)}; pass a large value as an artifact"
            )
    return None


def _cause(word: str, parameters: Mapping[str, Any]) -> str:
    """The largest of the inputs whose value is in the word."""
    texts = {name: format_value(value) for name, value in parameters.items()}
    within = [name for name, text in texts.items() if text and text in word]
    # In an executor input a value stands in its JSON form; then the largest of all is to blame.
    name = max(within or texts, key=lambda name: len(texts[name]), default=None)
    if name is None:
        return ""
    return f"; its largest input is {name!r} with {len(texts[name].encode())} bytes"

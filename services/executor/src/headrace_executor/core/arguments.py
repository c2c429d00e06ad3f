"""Whether Linux can start a command: no argument and no variable may be too long or have a NUL.

Source: ``MAX_ARG_STRLEN`` of execve(2): 32 pages, the terminating zero included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace_executor.core.placeholders import format_value

ARGUMENT_BYTES = 32 * 4096 - 1


def unusable(
    argv: Sequence[str], env: Mapping[str, str], parameters: Mapping[str, Any]
) -> str | None:
    """An error message that names the argument or variable that Linux does not take, and the input
    that makes it too long; None when all fit."""
    for name in env:
        if not name or "=" in name:
            return f"the environment variable name {name!r} is empty or contains '='; rename it"
    texts = [(f"argument {index} of the command", text) for index, text in enumerate(argv)]
    texts += [(f"environment variable {name!r}", f"{name}={value}") for name, value in env.items()]
    for what, text in texts:
        if "\0" in text:
            return f"{what} contains a NUL character, which no command can be given; remove it"
        size = len(text.encode(errors="surrogateescape"))
        if size > ARGUMENT_BYTES:
            return (
                f"{what} has {size} bytes, and Linux allows {ARGUMENT_BYTES}"
                f"{_cause(text, parameters)}; pass a large value as an artifact"
            )
    return None


def _cause(text: str, parameters: Mapping[str, Any]) -> str:
    """The largest input whose value is in `text`."""
    values = {name: format_value(value) for name, value in parameters.items()}
    within = [name for name, value in values.items() if value and value in text]
    # An executor input has values in their JSON form; then it is the largest of all inputs.
    name = max(within or values, key=lambda name: len(values[name]), default=None)
    if name is None:
        return ""
    return f"; its largest input is {name!r} with {len(values[name].encode())} bytes"

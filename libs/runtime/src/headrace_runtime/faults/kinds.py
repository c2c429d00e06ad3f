"""The kinds of errors of a store, and the error that a caller gets for each of them."""

from __future__ import annotations

from enum import Enum

from headrace_runtime.errors import NotStorableError, RetryableError


class Kind(Enum):
    """Who has to do something about an error of a store."""

    UNAVAILABLE = "unavailable"
    """Nobody: it is a fault of ours or of the machine's, and the same call succeeds later."""
    NOT_STORABLE = "not storable"
    """Who sent the item: the store can never keep this value, and any other item is fine."""
    DEFECT = "defect"
    """Who writes the code."""


def translated(kind: Kind, store: str, error: BaseException) -> Exception | None:
    """The error to raise instead of an error of `store`; None for a defect, which stays as it is.

    Of an error that the sender of the item reads, only the first line is kept, without what the
    store could not keep.
    """
    if kind is Kind.UNAVAILABLE:
        return RetryableError(f"{store} is unavailable", f"{type(error).__name__}: {error}")
    if kind is Kind.NOT_STORABLE:
        return NotStorableError.of(store, _first_line(error))
    return None


def _first_line(error: BaseException) -> str:
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in line)[:300]

"""Waits for conditions. The limit only catches hangs: a busy machine may take long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

HANG_SECONDS = 180.0

T = TypeVar("T")


def until(condition: Callable[[], T], pause: float = 0.1) -> T:
    """The first true value that `condition` returns.

    Raises:
        AssertionError: it returned none within `HANG_SECONDS`; the message has the last value.
    """
    deadline = time.monotonic() + HANG_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still {found!r} after {HANG_SECONDS:.0f} s"
        time.sleep(pause)
    return found


async def until_async(condition: Callable[[], T], pause: float = 0.01) -> T:
    """Like `until`, without blocking the event loop."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still {found!r} after {HANG_SECONDS:.0f} s"
        await asyncio.sleep(pause)
    return found

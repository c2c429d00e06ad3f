"""What is between a client and a server in memory: time, and faults.

A server's own callbacks run in an empty context, so that they belong to no client process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

CLOSERS: ContextVar[list[Callable[[], None]] | None] = ContextVar("closers", default=None)
"""Of the process that runs: what the kernel does at its end, such as closing its connections."""


def later(seconds: float, call: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
    """Call something on behalf of a server."""
    loop = asyncio.get_running_loop()
    return loop.call_later(seconds, call, *arguments, context=Context())


def at_end_of_process(close: Callable[[], None]) -> None:
    """Have the process that runs close something when it ends, however it ends."""
    closers = CLOSERS.get()
    if closers is not None:
        closers.append(close)


class Wire:
    """A wire without delays and faults."""

    def delay(self) -> float:
        """The seconds that one way takes."""
        return 0.0

    def strikes(self, fault: str) -> bool:
        """Whether this fault happens now."""
        return False

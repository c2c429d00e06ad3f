"""Calls that are repeated while a dependency is unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger

T = TypeVar("T")

RETRY_SECONDS = 0.5


async def until_available(call: Callable[[], Awaitable[T]], what: str) -> T:
    """The result of `call`, which is repeated for as long as it raises `RetryableError`. `what` is
    the name of the log line for each repetition."""
    while True:
        try:
            return await call()
        except RetryableError as error:
            get_logger().warning(what, error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

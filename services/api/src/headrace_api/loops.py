"""Background loops of the api. Any number of replicas may run each loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger


async def repeat(name: str, step: Callable[[], Awaitable[bool]], pause_seconds: float) -> None:
    """Call `step` forever. Pause after a step that returns False: it found nothing more to do.

    A step that fails with `RetryableError` is logged as ``<name>_postponed`` and called again
    after the pause.
    """
    while True:
        more = False
        try:
            more = await step()
        except RetryableError as error:
            get_logger().warning(f"{name}_postponed", error=str(error))
        if not more:
            await asyncio.sleep(pause_seconds)

"""How a service waits, and how it repeats: an unavailable store ends neither.

Every loop of a service that is not a consumer is made of these functions, and so is every step of
its start that needs a store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import NoReturn, TypeVar

from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.metrics import PASSES

T = TypeVar("T")
Pass = Callable[[], Awaitable[object]]
"""One finite pass of an infinite loop. It returns True if there is more to do at once."""

RETRY_SECONDS = 0.5


class Result(Enum):
    """How a pass ended."""

    DONE = "done"
    MORE = "more"
    FAILED = "failed"


async def until_available(call: Callable[[], Awaitable[T]], what: str) -> T:
    """The result of `call`, which is repeated for as long as it raises `RetryableError`. `what` is
    the name of the log line for each repetition."""
    while True:
        try:
            return await call()
        except RetryableError as error:
            get_logger().warning(what, error=str(error))
            await asyncio.sleep(RETRY_SECONDS)


async def keeping_cancellation(call: Awaitable[T]) -> T:
    """The result of a library's call, or the cancellation that comes together with it. Before
    Python 3.12, `asyncio.wait_for` drops that, and the task would go on for ever."""
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        return await call
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


async def repeat(
    name: str,
    one_pass: Pass,
    pause_seconds: float,
    *,
    wake: asyncio.Event | None = None,
    pause_first: bool = False,
    retry_seconds: float = 5.0,
) -> NoReturn:
    """Make this pass for ever. A pass that returns True is followed by the next one at once, any
    other by a pause, which `wake` ends early; after an error it is `retry_seconds` at most."""
    if pause_first:
        await _pause(pause_seconds, wake)
    while True:
        result = await attempt(name, one_pass)
        if result is Result.MORE:
            continue
        failed = result is Result.FAILED
        await _pause(min(pause_seconds, retry_seconds) if failed else pause_seconds, wake)


async def attempt(name: str, one_pass: Pass) -> Result:
    """Make one pass. An error of it is logged and does not end the loop: after `RetryableError` the
    next pass may succeed, and after any other error a restarted process would meet the same item
    again. Only a `FatalError` is raised."""
    result = Result.FAILED
    try:
        result = Result.MORE if await one_pass() is True else Result.DONE
    except FatalError:
        raise
    except RetryableError as error:
        get_logger().warning("pass_postponed", name=name, error=str(error))
    except Exception:
        get_logger().exception("pass_failed", name=name)
    PASSES.labels(name, result.value).inc()
    return result


async def _pause(seconds: float, wake: asyncio.Event | None) -> None:
    if wake is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
    wake.clear()

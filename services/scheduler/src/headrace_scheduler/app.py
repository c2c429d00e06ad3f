"""Composition root of the scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import (
    EVENT_READERS,
    SCHEDULER_EVENTS,
    command_readers,
)
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_scheduler.handlers import Handlers
from headrace_scheduler.settings import Settings

Pass = Callable[[], Awaitable[object]]


async def serve(settings: Settings) -> None:
    """Run the scheduler until it is stopped."""
    async with open_service("scheduler", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(
            settings,
            package="headrace_scheduler",
            readers=(*EVENT_READERS, *command_readers(settings.cluster)),
        )
        handlers = Handlers(database, objects, settings.cluster)

        async def timers() -> None:
            await repeat(settings.tick_every_seconds, handlers.tick)

        async def reconcile() -> None:
            # At the start, no process answers the lookups that the one before has left.
            await attempt(partial(handlers.repeat_stalled_lookups, 0))
            await repeat(
                settings.reconcile_every_seconds,
                partial(handlers.repeat_silent_launches, settings.silence_seconds),
                partial(handlers.repeat_stalled_lookups, settings.lookup_seconds),
                handlers.admit_queued,
                partial(handlers.purge, settings.keep_deleted_hours),
            )

        consume = service.consumer(SCHEDULER_EVENTS, EVENT, handlers.handle)
        await service.run(settings, Starlette(), consume, timers, reconcile)


async def repeat(seconds: float, *passes: Pass) -> None:
    """Make these passes in turn, with pauses between the turns, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        for one_pass in passes:
            await attempt(one_pass)


async def attempt(one_pass: Pass) -> None:
    """Make one pass. It is made again later, so an error must end neither the service nor the other
    passes."""
    name = getattr(one_pass.func if isinstance(one_pass, partial) else one_pass, "__name__", "pass")
    try:
        await one_pass()
    except RetryableError as error:
        get_logger().warning("pass_postponed", name=name, error=str(error))
    except Exception:
        get_logger().exception("pass_failed", name=name)

"""Composition root of the scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import SCHEDULER_EVENTS
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_scheduler.handlers import Handlers
from headrace_scheduler.settings import Settings


async def serve(settings: Settings) -> None:
    """Run the scheduler until it is told to stop."""
    async with open_service("scheduler", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_scheduler")
        handlers = Handlers(database, objects, settings.cluster)

        async def timers() -> None:
            await _repeat(settings.tick_every_seconds, "tick", handlers.tick)

        async def reconcile() -> None:
            async def one_pass() -> None:
                await handlers.repeat_silent_launches(settings.silence_seconds)
                await handlers.repeat_stalled_lookups(settings.lookup_seconds)
                await handlers.admit_queued()
                await handlers.purge(settings.keep_deleted_hours)

            await _repeat(settings.reconcile_every_seconds, "reconciliation", one_pass)

        consume = service.consumer(SCHEDULER_EVENTS, EVENT, handlers.handle)
        await service.run(settings, Starlette(), consume, timers, reconcile)


async def _repeat(seconds: float, name: str, one_pass: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await one_pass()
        except RetryableError as error:
            get_logger().warning(f"{name}_postponed", error=str(error))

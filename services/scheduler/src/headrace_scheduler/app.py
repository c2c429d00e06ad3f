"""Composition root of the scheduler."""

from __future__ import annotations

import asyncio

from headrace_contracts.events import EVENT
from headrace_contracts.subjects import SCHEDULER_EVENTS
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_scheduler.handlers import Handlers
from headrace_scheduler.settings import Settings
from headrace_scheduler.store import Plans, RunStore


async def serve(settings: Settings) -> None:
    """Run the scheduler until it is told to stop."""
    async with open_service(
        "scheduler", settings, settings, package="headrace_scheduler"
    ) as service:
        store = RunStore(Plans(service.objects).get)
        handlers = Handlers(service.database, store, settings.cluster)

        async def reconcile() -> None:
            while True:
                await asyncio.sleep(settings.reconcile_every_seconds)
                try:
                    await handlers.ask_again(settings.silence_seconds)
                except RetryableError as error:
                    get_logger().warning("reconciliation_postponed", error=str(error))

        consume = service.consumer(SCHEDULER_EVENTS, EVENT, handlers.handle)
        await service.run(settings, Starlette(), consume, reconcile)

"""Composition root of the scheduler."""

from __future__ import annotations

from functools import partial

from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import (
    EVENT_READERS,
    SCHEDULER_EVENTS,
    command_readers,
)
from headrace_runtime.loops import attempt, repeat
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_scheduler.handlers import Handlers
from headrace_scheduler.settings import Settings


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

        every = settings.reconcile_every_seconds
        silent = partial(handlers.repeat_silent_launches, settings.silence_seconds)
        stalled = partial(handlers.repeat_stalled_lookups, settings.lookup_seconds)
        purge = partial(handlers.purge, settings.keep_deleted_hours)

        async def lookups() -> None:
            # At the start, no process answers the lookups that the one before has left.
            await attempt("stalled_lookups", partial(handlers.repeat_stalled_lookups, 0))
            await repeat("stalled_lookups", stalled, every, pause_first=True)

        await service.run(
            Starlette(),
            service.consumer(SCHEDULER_EVENTS, EVENT, handlers.handle),
            partial(repeat, "timers", handlers.tick, settings.tick_every_seconds),
            partial(repeat, "silent_launches", silent, every, pause_first=True),
            partial(repeat, "queued_runs", handlers.admit_queued, every, pause_first=True),
            partial(repeat, "purge_deleted", purge, every, pause_first=True),
            lookups,
        )

"""Composition root of the recorder."""

from __future__ import annotations

from headrace_contracts.messages.events import EVENT
from headrace_contracts.messages.subjects import RECORDER_EVENTS, RUN_EVENTS
from headrace_runtime.access import install_access
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.service import open_service

from headrace_recorder.history.handlers import EventRecorder
from headrace_recorder.http import http_app
from headrace_recorder.retention.deletion import Deletion
from headrace_recorder.settings import Settings


async def serve(settings: Settings) -> None:
    """Run the recorder until it is stopped."""
    async with open_service("recorder", settings) as service:
        objects = await service.open_objects(settings)
        # The recorder publishes announcements alone, which no stream keeps.
        database = await service.open_database(settings, package="headrace_recorder", readers=())
        deletion = Deletion(database, objects)
        recorder = EventRecorder(database, service.bus, deletion)
        token = settings.service_token.get_secret_value()
        app = http_app(database, objects, settings.grant_seconds, TokenSigner(token))
        install_access(app, token)
        consume = service.consumer(
            RECORDER_EVENTS,
            EVENT,
            recorder.handle,
            linger_seconds=settings.linger_seconds,
            urgent=RUN_EVENTS,
        )
        await service.run(app, consume, recorder.show_overdue_ends, deletion.run)

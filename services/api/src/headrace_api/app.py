"""Composition root of the api."""

from __future__ import annotations

from headrace_contracts.commands import SUBMIT_RUN
from headrace_contracts.subjects import API_SUBMISSIONS
from headrace_runtime.service import open_service

from headrace_api.handlers import Handlers
from headrace_api.http import http_app
from headrace_api.settings import Settings
from headrace_api.submissions import Submissions


async def serve(settings: Settings) -> None:
    """Run the api until it is told to stop."""
    async with open_service("api", settings, settings, package="headrace_api") as service:
        submissions = Submissions(service.database, service.objects)
        handlers = Handlers(service.database, submissions)
        app = http_app(service.database, service.objects, submissions, settings.max_package_bytes)
        consume = service.consumer(API_SUBMISSIONS, SUBMIT_RUN, handlers.handle, handlers.refuse)
        await service.run(settings, app, consume)

"""Composition root of the api."""

from __future__ import annotations

from headrace_contracts.commands import SUBMIT_RUN
from headrace_contracts.subjects import API_EVENTS, API_SUBMISSIONS
from headrace_runtime.access import install_access
from headrace_runtime.service import open_service

from headrace_api.experiments import Experiments
from headrace_api.fetch import Fetcher
from headrace_api.handlers import HEARD, Handlers
from headrace_api.http import Parts, http_app
from headrace_api.lists import Lists
from headrace_api.pipelines import Pipelines
from headrace_api.recurring import RecurringRuns, Ticker
from headrace_api.retention import Retention
from headrace_api.settings import Settings
from headrace_api.submissions import Submissions


async def serve(settings: Settings) -> None:
    """Run the api until it is told to stop."""
    async with open_service("api", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_api")
        submissions = Submissions(database, objects)
        fetcher = Fetcher(
            settings.max_package_bytes,
            settings.package_url_seconds,
            allow_private=settings.allow_private_package_urls,
        )
        experiments = Experiments(database)
        parts = Parts(
            database=database,
            objects=objects,
            submissions=submissions,
            recurring=RecurringRuns(database, submissions),
            experiments=experiments,
            pipelines=Pipelines(database, fetcher),
            lists=Lists.signed(settings.service_token.get_secret_value()),
        )
        ticker = Ticker(database, submissions, settings.recurring_tick_seconds)
        retention = Retention(
            database, settings.archive_runs_after, settings.delete_archived_runs_after
        )
        handlers = Handlers(database, submissions)
        app = http_app(parts, settings.max_package_bytes)
        install_access(app, settings.service_token.get_secret_value())
        consume = service.consumer(API_SUBMISSIONS, SUBMIT_RUN, handlers.handle, handlers.refuse)
        hear = service.consumer(API_EVENTS, HEARD, handlers.hear)
        await experiments.prepare()
        await service.run(settings, app, consume, hear, ticker.run, retention.run, experiments.run)

"""Composition root of the api."""

from __future__ import annotations

from headrace_contracts.messages.commands import SUBMIT_RUN
from headrace_contracts.messages.subjects import API_EVENTS, API_SUBMISSIONS
from headrace_runtime.access import install_access
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.service import open_service
from headrace_runtime.space import SpaceReserve

from headrace_api.experiments.archiving import ExperimentArchiving
from headrace_api.experiments.service import Experiments
from headrace_api.handlers import RUN_STATE_EVENTS, Handlers
from headrace_api.limits.service import Limits
from headrace_api.pipelines.fetch import Fetcher
from headrace_api.pipelines.service import Pipelines
from headrace_api.recurring.service import RecurringRuns
from headrace_api.recurring.ticker import Ticker
from headrace_api.routes import Services, http_app
from headrace_api.runs.retention import Retention
from headrace_api.runs.service import Runs
from headrace_api.runs.submissions import Submissions
from headrace_api.settings import Settings


async def serve(settings: Settings) -> None:
    """Run the api until it is stopped."""
    service_token = settings.service_token.get_secret_value()
    async with open_service("api", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_api")
        space = SpaceReserve(settings)
        service.notice = space.shortage
        submissions = Submissions(database, objects, space)
        archiving = ExperimentArchiving(database)
        experiments = Experiments(database, archiving, space)
        fetcher = Fetcher(
            settings.max_package_bytes,
            settings.package_url_seconds,
            allow_private=settings.allow_private_package_urls,
        )
        services = Services(
            runs=Runs(database, objects, space),
            submissions=submissions,
            recurring_runs=RecurringRuns(database, submissions, space),
            experiments=experiments,
            pipelines=Pipelines(database, fetcher, space),
            limits=Limits(database),
        )
        app = http_app(services, TokenSigner(service_token), settings.max_package_bytes)
        install_access(app, service_token)
        handlers = Handlers(database, submissions)
        ticker = Ticker(database, submissions, space, settings.recurring_tick_seconds)
        retention = Retention(
            database, settings.archive_runs_after, settings.delete_archived_runs_after
        )
        await service.until_available("the default experiment", experiments.create_default)
        await service.run(
            app,
            service.consumer(
                API_SUBMISSIONS, SUBMIT_RUN, handlers.submit_runs, handlers.reject_unreadable
            ),
            service.consumer(API_EVENTS, RUN_STATE_EVENTS, handlers.store_run_states),
            ticker.run,
            retention.run,
            archiving.run,
        )

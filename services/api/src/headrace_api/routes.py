"""All HTTP routes of the api. Only the gateway calls them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from headrace_runtime.http import install_problems
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.experiments.routes import experiment_router
from headrace_api.experiments.service import Experiments
from headrace_api.limits.routes import limits_router
from headrace_api.limits.service import Limits
from headrace_api.pipelines.routes import pipeline_router
from headrace_api.pipelines.service import Pipelines
from headrace_api.recurring.routes import recurring_run_router
from headrace_api.recurring.service import RecurringRuns
from headrace_api.runs.routes import run_router
from headrace_api.runs.service import Runs
from headrace_api.runs.submissions import Submissions


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes call."""

    runs: Runs
    submissions: Submissions
    recurring_runs: RecurringRuns
    experiments: Experiments
    pipelines: Pipelines
    limits: Limits


def http_app(services: Services, signer: TokenSigner, max_package_bytes: int) -> FastAPI:
    """The app with all routes. `signer` signs the page tokens of lists."""
    app = FastAPI(title="Headrace api", openapi_url=None)
    install_problems(app)
    app.include_router(run_router(services.runs, services.submissions))
    app.include_router(recurring_run_router(services.recurring_runs, signer))
    app.include_router(experiment_router(services.experiments, signer))
    app.include_router(pipeline_router(services.pipelines, signer, max_package_bytes))
    app.include_router(limits_router(services.limits))
    return app

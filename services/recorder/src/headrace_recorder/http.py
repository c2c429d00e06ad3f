"""The recorder's HTTP API, which the gateway calls."""

from __future__ import annotations

from fastapi import FastAPI
from headrace_runtime.http import install_problems
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder.cache.routes import cache_router
from headrace_recorder.history.routes import history_router
from headrace_recorder.lineage.routes import lineage_router
from headrace_recorder.lists.pages import RecorderLists
from headrace_recorder.lists.routes import list_router
from headrace_recorder.logs.routes import log_router
from headrace_recorder.runs.routes import run_router


def http_app(
    database: Database, objects: ObjectStore, grant_seconds: int, signer: TokenSigner
) -> FastAPI:
    """All routes. Download links work for `grant_seconds`; `signer` signs page tokens."""
    app = FastAPI(title="Headrace recorder", openapi_url=None)
    install_problems(app)
    app.include_router(list_router(database, RecorderLists(signer)))
    app.include_router(run_router(database))
    app.include_router(history_router(database))
    app.include_router(lineage_router(database, objects, grant_seconds))
    app.include_router(log_router(database, objects))
    app.include_router(cache_router(database))
    return app

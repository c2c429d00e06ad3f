"""The recorder's HTTP side, for the gateway."""

from __future__ import annotations

from fastapi import FastAPI
from headrace_runtime.http import install_problems
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder.list_routes import list_router
from headrace_recorder.lists import Listings
from headrace_recorder.run_routes import run_router


def http_app(
    database: Database, objects: ObjectStore, grant_seconds: int, signer: TokenSigner
) -> FastAPI:
    """The routes over the recorder's rows."""
    app = FastAPI(title="Headrace recorder", openapi_url=None)
    install_problems(app)
    app.include_router(list_router(database, Listings(signer)))
    app.include_router(run_router(database, objects, grant_seconds))
    return app

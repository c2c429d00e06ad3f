"""Composition root of the gateway."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from headrace_runtime.http import install_problems
from headrace_runtime.service import open_service

from headrace_ui_gateway.auth.issuer_keys import IssuerKeys
from headrace_ui_gateway.kfp.app import mount_kfp
from headrace_ui_gateway.rest.app import own_router
from headrace_ui_gateway.rest.session import auth_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.live import Live
from headrace_ui_gateway.wiring import install_gate, issuer_keys

_STATIC = Path(__file__).parent / "static"


async def serve(settings: Settings) -> None:
    """Run the gateway until it is told to stop."""
    async with open_service("ui_gateway", settings) as service:
        token = settings.service_token.get_secret_value()
        api = Backend("api", settings.api_url, token)
        recorder = Backend("recorder", settings.recorder_url, token)
        live = Live(service.bus, service.stop)
        issuer = issuer_keys(settings)
        try:
            app = http_app(api, recorder, live, settings, issuer)
            loops = (live.run,) if issuer is None else (live.run, issuer.run)
            await service.run(settings, app, *loops)
        finally:
            if issuer is not None:
                await issuer.close()
            await api.close()
            await recorder.close()


def http_app(
    api: Backend,
    recorder: Backend,
    live: Live,
    settings: Settings,
    issuer: IssuerKeys | None = None,
) -> FastAPI:
    """The public routes and pages, behind the gate."""
    runs = Runs(api, recorder)
    app = FastAPI(title="Headrace", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    install_problems(app)
    authenticator = install_gate(app, settings, issuer)
    access = auth_router(authenticator, settings.mode)
    app.include_router(own_router(api, recorder, runs, live, settings, access))
    multi_user = settings.mode == "multi_user"
    limit = settings.max_package_bytes
    mount_kfp(app, api, recorder, runs, limit, multi_user=multi_user)
    app.mount("/static", StaticFiles(directory=_STATIC))

    @app.get("/", include_in_schema=False)
    async def runs_page() -> FileResponse:
        return FileResponse(_STATIC / "runs.html")

    @app.get("/runs/{run_id}", include_in_schema=False)
    async def run_page(run_id: str) -> FileResponse:
        return FileResponse(_STATIC / "run.html")

    return app

"""Composition root of the gateway."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from headrace_runtime.http import install_problems
from headrace_runtime.service import open_service
from headrace_runtime.space import SpaceReserve

from headrace_ui_gateway.auth.issuer_keys import IssuerKeys
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.kfp.app import PREFIX as KFP_PREFIX
from headrace_ui_gateway.kfp.app import mount_kfp
from headrace_ui_gateway.kfp.http import gate_error
from headrace_ui_gateway.rest.app import rest_router
from headrace_ui_gateway.rest.session import session_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.services import Services
from headrace_ui_gateway.wiring import install_gate, issuer_keys

_STATIC = Path(__file__).parent / "static"


async def serve(settings: Settings) -> None:
    """Run the gateway until it is stopped."""
    async with open_service("ui_gateway", settings) as service:
        token = settings.service_token.get_secret_value()
        services = Services(
            api=ServiceClient("api", settings.api_url, token),
            recorder=ServiceClient("recorder", settings.recorder_url, token),
            announcements=RunAnnouncements(service.bus, service.stop),
        )
        issuer = issuer_keys(settings)
        loops = [services.announcements.run]
        if issuer is not None:
            loops.append(issuer.run)
        try:
            await service.run(http_app(services, settings, issuer), *loops)
        finally:
            if issuer is not None:
                await issuer.close()
            await services.api.close()
            await services.recorder.close()


def http_app(services: Services, settings: Settings, issuer: IssuerKeys | None = None) -> FastAPI:
    """The public routes and pages, behind the gate."""
    app = FastAPI(title="Headrace", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    install_problems(app)
    refusals = Refusals({f"{KFP_PREFIX}/": gate_error})
    authenticator = install_gate(app, settings, issuer, refusals)
    session = session_router(authenticator, refusals, settings.mode, SpaceReserve(settings))
    app.include_router(rest_router(services, settings, session))
    multi_user = settings.mode == "multi_user"
    mount_kfp(app, services, settings.max_package_bytes, multi_user=multi_user)
    app.mount("/static", StaticFiles(directory=_STATIC))

    @app.get("/", include_in_schema=False)
    async def runs_page() -> FileResponse:
        return FileResponse(_STATIC / "runs.html")

    @app.get("/runs/{run_id}", include_in_schema=False)
    async def run_page(run_id: str) -> FileResponse:
        return FileResponse(_STATIC / "run.html")

    return app

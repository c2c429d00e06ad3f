"""Composition root of the gateway."""

from __future__ import annotations

import time
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from headrace_runtime.http import install_problems
from headrace_runtime.service import open_service

from headrace_ui_gateway.auth import Authenticator, Proxies
from headrace_ui_gateway.auth_files import WatchedFile
from headrace_ui_gateway.auth_oidc import IssuerKeys
from headrace_ui_gateway.auth_peer import SameUser
from headrace_ui_gateway.auth_routes import auth_router
from headrace_ui_gateway.backends import Backend, Runs
from headrace_ui_gateway.core.auth import RoleTable, TokenTable, owner_token
from headrace_ui_gateway.core.guard import networks
from headrace_ui_gateway.core.limits import Buckets, Rate
from headrace_ui_gateway.core.oidc import Issuer
from headrace_ui_gateway.gate import Gate, SecurityHeaders
from headrace_ui_gateway.kfp_routes import PREFIX, kfp_app
from headrace_ui_gateway.live import Live
from headrace_ui_gateway.own_recurring import own_recurring_router
from headrace_ui_gateway.own_routes import own_router
from headrace_ui_gateway.settings import Settings

_STATIC = Path(__file__).parent / "static"
_CALLERS = 10_000
"""How many callers' limits are kept: about 2 MB."""
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


async def serve(settings: Settings) -> None:
    """Run the gateway until it is told to stop."""
    async with open_service(
        "ui_gateway", settings, settings, package="headrace_ui_gateway"
    ) as service:
        token = settings.service_token.get_secret_value()
        api = Backend("api", settings.api_url, token)
        recorder = Backend("recorder", settings.recorder_url, token)
        live = Live(service.bus, service.stop)
        issuer = _issuer(settings)
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
    authenticator = _authenticator(settings, issuer)
    app = FastAPI(title="Headrace", version="1", openapi_url="/api/v1/openapi.json", docs_url=None)
    install_problems(app)
    app.include_router(auth_router(authenticator, settings.mode))
    app.include_router(own_router(api, recorder, runs, live, settings))
    app.include_router(own_recurring_router(api))
    multi_user = settings.mode == "multi_user"
    limit = settings.max_package_bytes
    app.mount(PREFIX, kfp_app(api, recorder, runs, limit, multi_user=multi_user))
    app.mount("/static", StaticFiles(directory=_STATIC))

    known = Rate(settings.requests_per_second, settings.request_burst)
    strangers = Rate(settings.stranger_requests_per_second, settings.stranger_request_burst)
    app.add_middleware(
        Gate,
        authenticator=authenticator,
        known=Buckets(known, _CALLERS),
        strangers=Buckets(strangers, _CALLERS),
    )
    app.add_middleware(SecurityHeaders, headers=_SECURITY)  # the last one added is the outermost

    @app.get("/", include_in_schema=False)
    async def runs_page() -> FileResponse:
        return FileResponse(_STATIC / "runs.html")

    @app.get("/runs/{run_id}", include_in_schema=False)
    async def run_page(run_id: str) -> FileResponse:
        return FileResponse(_STATIC / "run.html")

    return app


def _issuer(settings: Settings) -> IssuerKeys | None:
    """The identity provider, if there is one."""
    if not settings.oidc_issuer:
        return None
    issuer = Issuer(
        url=settings.oidc_issuer,
        audience=settings.oidc_audience,
        algorithms=frozenset(settings.oidc_algorithms),
        username_claim=settings.oidc_username_claim,
        groups_claim=settings.oidc_groups_claim,
        leeway_seconds=settings.oidc_leeway_seconds,
    )
    return IssuerKeys(issuer, settings.oidc_jwks_url or None, time.monotonic)


def _authenticator(settings: Settings, issuer: IssuerKeys | None) -> Authenticator:
    owner = settings.owner_token
    return Authenticator(
        owner=TokenTable() if owner is None else owner_token(owner.get_secret_value()),
        tokens=WatchedFile(settings.tokens_file, TokenTable.read, TokenTable(), "tokens"),
        roles=WatchedFile(settings.roles_file, RoleTable.read, RoleTable(), "roles"),
        issuer=issuer,
        same_user=SameUser() if settings.trust_same_user else None,
        proxies=Proxies(
            networks(settings.proxy_addresses),
            settings.userid_header.lower(),
            settings.userid_prefix,
        ),
        hosts=settings.public_hosts,
        # Cookies of one host go to all its ports: two deployments there need two names.
        cookie=f"headrace_{settings.http_port}",
    )

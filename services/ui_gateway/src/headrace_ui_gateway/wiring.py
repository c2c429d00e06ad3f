"""Builds the gate from the settings."""

from __future__ import annotations

import time

from starlette.applications import Starlette

from headrace_ui_gateway.auth.admission import Admission
from headrace_ui_gateway.auth.authenticator import Authenticator, Proxies
from headrace_ui_gateway.auth.files import WatchedFile
from headrace_ui_gateway.auth.gate import Gate, SecurityHeaders
from headrace_ui_gateway.auth.issuer_keys import IssuerKeys
from headrace_ui_gateway.auth.peer import SameUserCheck
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.auth.rules.origins import networks
from headrace_ui_gateway.auth.rules.principals import RoleTable, TokenTable, owner_token
from headrace_ui_gateway.auth.rules.rate_limits import Buckets, Rate
from headrace_ui_gateway.auth.rules.signed_tokens import Issuer
from headrace_ui_gateway.auth.rules.turns import Turns
from headrace_ui_gateway.settings import Settings

_MAX_CALLERS = 10_000
"""Rate limits in memory: about 2 MB."""
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def issuer_keys(settings: Settings) -> IssuerKeys | None:
    """The keys of the identity provider, if one is configured."""
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


def install_gate(
    app: Starlette, settings: Settings, issuer: IssuerKeys | None, refusals: Refusals
) -> Authenticator:
    """Put the gate in front of every route of an application, and the limit of new work behind
    the gate."""
    owner = settings.owner_token
    authenticator = Authenticator(
        owner=TokenTable() if owner is None else owner_token(owner.get_secret_value()),
        tokens=WatchedFile(settings.tokens_file, TokenTable.read, TokenTable(), "tokens"),
        roles=WatchedFile(settings.roles_file, RoleTable.read, RoleTable(), "roles"),
        issuer=issuer,
        same_user=SameUserCheck() if settings.trust_same_user else None,
        proxies=Proxies(
            networks(settings.proxy_addresses),
            settings.userid_header.lower(),
            settings.userid_prefix,
        ),
        hosts=settings.public_hosts,
        # Browsers send a host's cookies to all its ports: each deployment needs its own name.
        cookie=f"headrace_{settings.http_port}",
    )
    app.add_middleware(
        Admission,
        refusals=refusals,
        turns=Turns(settings.submissions_at_once),
        wait_seconds=settings.submission_wait_seconds,
    )
    per_principal = Rate(settings.requests_per_second, settings.request_burst)
    per_address = Rate(settings.stranger_requests_per_second, settings.stranger_request_burst)
    app.add_middleware(
        Gate,
        authenticator=authenticator,
        refusals=refusals,
        principals=Buckets(per_principal, _MAX_CALLERS),
        addresses=Buckets(per_address, _MAX_CALLERS),
    )
    app.add_middleware(SecurityHeaders, headers=_SECURITY)  # the last one added is the outermost
    return authenticator

"""Authenticates a request by its bearer token, its cookie, a proxy's header or its connection.

Invariant: credentials that a browser adds by itself (a cookie, or its place on this machine) are
accepted only from this gateway's own pages. A bearer token, which only a program can add, is
accepted from anywhere; with one, nothing else is considered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

from headrace_ui_gateway.auth.files import WatchedFile
from headrace_ui_gateway.auth.issuer_keys import IssuerKeys
from headrace_ui_gateway.auth.peer import Address, SameUserCheck
from headrace_ui_gateway.auth.rules import origins
from headrace_ui_gateway.auth.rules.principals import (
    LONGEST_TOKEN,
    OWNER,
    CredentialError,
    Fault,
    Kind,
    Principal,
    RoleTable,
    TokenTable,
)
from headrace_ui_gateway.auth.rules.signed_tokens import looks_signed


class ForeignOriginError(Exception):
    """The request comes from another site's page, or its Host header is not this gateway's."""


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The parts of a request that authentication uses, none of them verified."""

    method: str
    page: bool
    """Whether the path is a page, not an API route."""
    headers: Mapping[str, str]
    """By lower-case name."""
    client: Address
    server: Address


@dataclass(frozen=True, slots=True)
class Proxies:
    """The trusted proxies in front of the gateway."""

    networks: tuple[origins.Network, ...] = ()
    user_header: str = ""
    """The lower-case header in which they name the user; empty: they do not."""
    user_prefix: str = ""
    """Prefix of the user's name in that header."""

    def include(self, request: RequestInfo) -> bool:
        """Whether the request comes from one of them."""
        return origins.in_networks(request.client[0], self.networks)


class Authenticator:
    """Finds the caller of a request."""

    def __init__(
        self,
        *,
        owner: TokenTable,
        tokens: WatchedFile[TokenTable],
        roles: WatchedFile[RoleTable],
        issuer: IssuerKeys | None,
        same_user: SameUserCheck | None,
        proxies: Proxies,
        hosts: Iterable[str],
        cookie: str,
    ) -> None:
        """`owner` has the deployment's own token. `hosts` are the gateway's names other than those
        of the loopback interface. `cookie` is the name of the session cookie."""
        self.cookie = cookie
        self._owner = owner
        self._tokens = tokens
        self._roles = roles
        self._issuer = issuer
        self._same_user = same_user
        self._proxies = proxies
        self._hosts = tuple(hosts)

    async def authenticate(self, request: RequestInfo) -> Principal:
        """The caller.

        Raises:
            CredentialError: there is no credential, or it is not valid.
            ForeignOriginError: another site's page made a browser send the request.
            RetryableError: the identity provider is unavailable.
        """
        authorization = request.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise CredentialError(Fault.MISSING, f"the scheme is {scheme[:20]!r}")
            return await self.authenticate_token(token.strip())
        caller = (
            await self._by_cookie(request)
            or self._by_proxy(request)
            or self._by_connection(request)
        )
        if caller is None:
            raise CredentialError(Fault.MISSING)
        return caller

    async def authenticate_token(self, token: str) -> Principal:
        """The principal of a bearer token.

        Raises:
            CredentialError: the token is not valid.
            RetryableError: the identity provider is unavailable.
        """
        if not token:
            raise CredentialError(Fault.MISSING)
        if len(token) > LONGEST_TOKEN:
            raise CredentialError(Fault.UNKNOWN, f"a token of {len(token)} characters")
        now = datetime.now(UTC)
        known = self._owner.find(token, now) or self._tokens.current().find(token, now)
        if known is not None:
            return known
        if self._issuer is None or not looks_signed(token):
            raise CredentialError(Fault.UNKNOWN)
        identity = await self._issuer.identity(token)
        access = self._roles.current().access(identity.user, identity.groups)
        return Principal(Kind.USER, identity.user, access)

    def check_origin(self, request: RequestInfo) -> None:
        """Check that the request was not sent by another site's page.

        Raises:
            ForeignOriginError: it was.
        """
        if origins.is_cross_site(request.method, request.page, request.headers, self._hosts):
            raise ForeignOriginError("requests from pages of other sites are not allowed")

    def uses_tls(self, request: RequestInfo, scheme: str) -> bool:
        """Whether the browser speaks TLS, to the gateway or to a trusted proxy."""
        if self._proxies.include(request):
            return request.headers.get("x-forwarded-proto", scheme) == "https"
        return scheme == "https"

    def address(self, request: RequestInfo) -> str:
        """The address by which unauthenticated callers are rate limited."""
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        trusted = forwarded and self._proxies.include(request)
        return origins.rate_limit_key(forwarded if trusted else request.client[0])

    async def _by_cookie(self, request: RequestInfo) -> Principal | None:
        token = cookie_value(request.headers.get("cookie", ""), self.cookie)
        if token is None:
            return None
        self.check_origin(request)
        try:
            return await self.authenticate_token(token)
        except CredentialError:
            return None  # the session has expired; the caller may be known by another credential

    def _by_proxy(self, request: RequestInfo) -> Principal | None:
        proxies = self._proxies
        if not proxies.user_header or not proxies.include(request):
            return None
        user = request.headers.get(proxies.user_header, "").removeprefix(proxies.user_prefix)
        if not user:
            return None
        self.check_origin(request)
        return Principal(Kind.USER, user, self._roles.current().access(user))

    def _by_connection(self, request: RequestInfo) -> Principal | None:
        """The owner, if one of their processes on this machine made the connection."""
        if self._same_user is None or not origins.is_loopback_address(request.client[0]):
            return None
        if any(name in request.headers for name in origins.PROXY_HEADERS):
            return None
        if not self._same_user.passes(request.client, request.server):
            return None
        host = request.headers.get("host", "")
        if not origins.is_own_host(host, self._hosts):
            raise ForeignOriginError(
                f"{host[:100]!r} is not a name of this gateway; "
                "add it to HEADRACE_UI_GATEWAY_PUBLIC_HOSTS"
            )
        self.check_origin(request)
        return OWNER


def cookie_value(header: str, name: str) -> str | None:
    """The value of one cookie in a Cookie header; None without it."""
    if name not in header:
        return None
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None

"""Who a request is from, by what it brings: a bearer token, a cookie, a proxy's word, or the
connection that it came over.

Invariant: what a browser adds by itself, a cookie or its place on this machine, is taken from
pages of ours alone; what only a program can add, a bearer token, is taken from anywhere, and
nothing else is looked at then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

from headrace_ui_gateway.auth.files import WatchedFile
from headrace_ui_gateway.auth.issuer_keys import IssuerKeys
from headrace_ui_gateway.auth.peer import Address, SameUser
from headrace_ui_gateway.auth.rules import origins as guard
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


class ElsewhereError(Exception):
    """The request comes from another site's page, or by a name that is not this gateway's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request before anything is believed."""

    method: str
    page: bool
    """Whether it is for a page, and not for an API."""
    headers: Mapping[str, str]
    """By lower-case name."""
    client: Address
    server: Address


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies in front, and what they are believed."""

    networks: tuple[guard.Network, ...] = ()
    user_header: str = ""
    """Lower-case; empty: they tell no user."""
    user_prefix: str = ""
    """What stands before the user's name in that header."""

    def include(self, asked: Asked) -> bool:
        """Whether the request comes from one of them."""
        return guard.within(asked.client[0], self.networks)


class Authenticator:
    """Knows everybody."""

    def __init__(
        self,
        *,
        owner: TokenTable,
        tokens: WatchedFile[TokenTable],
        roles: WatchedFile[RoleTable],
        issuer: IssuerKeys | None,
        same_user: SameUser | None,
        proxies: Proxies,
        hosts: Iterable[str],
        cookie: str,
    ) -> None:
        """`owner`: the deployment's own token. `hosts`: names of this gateway other than the
        loopback interface's. `cookie`: the name of the cookie that may hold a token."""
        self.cookie = cookie
        self._owner = owner
        self._tokens = tokens
        self._roles = roles
        self._issuer = issuer
        self._same_user = same_user
        self._proxies = proxies
        self._hosts = tuple(hosts)

    async def who(self, asked: Asked) -> Principal:
        """Who asks.

        Raises:
            CredentialError: nobody, or somebody whose credential is not taken.
            ElsewhereError: a browser was made to ask by another site.
            RetryableError: it cannot be told now.
        """
        authorization = asked.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise CredentialError(Fault.MISSING, f"the scheme is {scheme[:20]!r}")
            return await self.bearer(token.strip())
        known = await self._by_cookie(asked) or self._by_proxy(asked) or self._by_connection(asked)
        if known is None:
            raise CredentialError(Fault.MISSING)
        return known

    async def bearer(self, token: str) -> Principal:
        """Whose token this is.

        Raises:
            CredentialError: nobody's.
            RetryableError: it cannot be told now.
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

    def refuse_elsewhere(self, asked: Asked) -> None:
        """Refuse what another site's page has a browser send.

        Raises:
            ElsewhereError: it does.
        """
        if guard.from_elsewhere(asked.method, asked.page, asked.headers, self._hosts):
            raise ElsewhereError("a page of another site may not ask this")

    def through_tls(self, asked: Asked, scheme: str) -> bool:
        """Whether the browser speaks TLS, to us or to a proxy of ours."""
        if self._proxies.include(asked):
            return asked.headers.get("x-forwarded-proto", scheme) == "https"
        return scheme == "https"

    def address(self, asked: Asked) -> str:
        """Who asks, as far as the network tells: what limits for strangers go by."""
        told = asked.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        address = told if told and self._proxies.include(asked) else asked.client[0]
        return guard.neighbourhood(address)

    async def _by_cookie(self, asked: Asked) -> Principal | None:
        token = cookie_value(asked.headers.get("cookie", ""), self.cookie)
        if token is None:
            return None
        self.refuse_elsewhere(asked)
        try:
            return await self.bearer(token)
        except CredentialError:
            return None  # of a session that is over; he may be known otherwise

    def _by_proxy(self, asked: Asked) -> Principal | None:
        proxies = self._proxies
        if not proxies.user_header or not proxies.include(asked):
            return None
        told = asked.headers.get(proxies.user_header, "")
        user = told.removeprefix(proxies.user_prefix)
        if not user:
            return None
        self.refuse_elsewhere(asked)
        return Principal(Kind.USER, user, self._roles.current().access(user))

    def _by_connection(self, asked: Asked) -> Principal | None:
        """The owner, when it is a process of his on this machine that asks for itself."""
        if self._same_user is None or not guard.is_loopback_address(asked.client[0]):
            return None
        if any(name in asked.headers for name in guard.PROXY_HEADERS):
            return None
        if not self._same_user.holds(asked.client, asked.server):
            return None
        if not guard.leads_here(asked.headers.get("host", ""), self._hosts):
            raise ElsewhereError("this name is not one of this gateway's")
        self.refuse_elsewhere(asked)
        return OWNER


def cookie_value(header: str, name: str) -> str | None:
    """The value of one cookie; None without it."""
    if name not in header:
        return None
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None

"""The public keys of an identity provider: fetched, kept, and fetched anew at a bounded rate.

Invariant: a request waits for the provider only when its token names a key that is not known. A
provider that is away keeps nobody out whose key is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger

from headrace_ui_gateway.auth.rules.principals import CredentialError, Fault
from headrace_ui_gateway.auth.rules.signed_tokens import (
    Header,
    Identity,
    Issuer,
    KeySet,
    read_header,
    verify,
)

_TIMEOUT_SECONDS = 5.0
_LARGEST_BYTES = 1024 * 1024
_REFRESH_SECONDS = 900.0
"""After this long a key that the provider has withdrawn is no longer taken."""
_FETCH_APART_SECONDS = 10.0
"""Anybody can name a key that does not exist: the provider hears of it this often at most."""


class IssuerAwayError(Exception):
    """The identity provider does not answer as it should; the message says what it did."""


class IssuerKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: Issuer,
        jwks_url: str | None,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Without `jwks_url` the issuer's discovery document tells it. `clock` gives seconds."""
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys = KeySet()
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS,
            transport=transport,
            mounts={"all://127.0.0.1": None, "all://localhost": None},  # never through a proxy
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def run(self) -> None:
        """Fetch the keys at the start, and again from time to time, for ever."""
        while True:
            await self._fetch()
            known = self._fetched is not None
            await asyncio.sleep(_REFRESH_SECONDS if known else _FETCH_APART_SECONDS)

    async def identity(self, token: str) -> Identity:
        """Who a token is about.

        Raises:
            CredentialError: the token is not taken.
            RetryableError: no key of the issuer is known yet, and it does not answer.
        """
        header = read_header(token, self._issuer)
        key = self._keys.find(header)
        if key is None:
            await self._look_for(header)
            key = self._keys.find(header)
        if key is None:
            if self._fetched is None:
                raise RetryableError("the identity provider is away")
            raise CredentialError(Fault.UNKNOWN, f"there is no key {header.key_id!r}")
        return verify(token, key, self._issuer, datetime.now(UTC))

    async def _look_for(self, header: Header) -> None:
        """Fetch the keys, unless that was done just now; many who wait share one answer."""
        async with self._fetching:
            recently = self._tried is not None and (
                self._clock() - self._tried < _FETCH_APART_SECONDS
            )
            if self._keys.find(header) is None and not recently:
                await self._fetch()

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            url = self._jwks_url or await self._discover()
            self._keys = KeySet(await self._get(url))
        except (IssuerAwayError, ValueError) as error:
            get_logger().warning("keys_not_fetched", issuer=self._issuer.url, error=str(error))
            return
        self._fetched = self._clock()
        get_logger().info("keys_fetched", issuer=self._issuer.url, count=len(self._keys))

    async def _discover(self) -> str:
        address = f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration"
        found = await self._get(address)
        if not isinstance(found, dict) or found.get("issuer") != self._issuer.url:
            raise IssuerAwayError(f"{address} is not of the issuer {self._issuer.url}")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not is_safe(url):
            raise IssuerAwayError(f"{address} tells no safe jwks_uri")
        return url

    async def _get(self, url: str) -> Any:
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    raise IssuerAwayError(f"{url} answered {response.status_code}")
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST_BYTES:
                        raise IssuerAwayError(f"{url} answered with more than 1 MiB")
        except httpx.HTTPError as error:
            raise IssuerAwayError(f"{url}: {error!r}") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise IssuerAwayError(f"{url} is not JSON: {error}") from None


def is_safe(url: str) -> bool:
    """Whether what comes from a URL can be trusted: by TLS, or because it never leaves this
    machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    local = parsed.host in ("127.0.0.1", "::1", "localhost")
    return bool(parsed.host) and (parsed.scheme == "https" or (parsed.scheme == "http" and local))

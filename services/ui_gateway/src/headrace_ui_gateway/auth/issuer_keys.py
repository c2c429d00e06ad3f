"""The public keys of an identity provider: cached, and refreshed at a bounded rate.

Invariant: a request waits for the provider only when its token names an unknown key. Tokens signed
with a cached key are accepted while the provider is unavailable.
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
from headrace_runtime.loops import repeat

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
"""A key that the provider has withdrawn is accepted for at most this long."""
_MIN_FETCH_INTERVAL_SECONDS = 10.0
"""Anyone can send a token that names a key that does not exist. This limits the requests to the
provider."""


class IssuerUnavailableError(Exception):
    """The identity provider did not answer as expected; the message has the details."""


class IssuerKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: Issuer,
        jwks_url: str | None,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Without `jwks_url` it is read from the issuer's discovery document. `clock` returns
        seconds."""
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
        """Fetch the keys at the start and then periodically, until canceled."""

        async def fetch() -> None:
            if not await self._fetch():
                raise _unavailable()

        await repeat(
            "issuer_keys", fetch, _REFRESH_SECONDS, retry_seconds=_MIN_FETCH_INTERVAL_SECONDS
        )

    async def identity(self, token: str) -> Identity:
        """The user and groups in a token.

        Raises:
            CredentialError: the token is not valid.
            RetryableError: no keys were fetched yet, and the issuer does not answer.
        """
        header = read_header(token, self._issuer)
        key = self._keys.find(header)
        if key is None:
            await self._refresh(header)
            key = self._keys.find(header)
        if key is None:
            if self._fetched is None:
                raise _unavailable()
            raise CredentialError(Fault.UNKNOWN, f"unknown key {header.key_id!r}")
        return verify(token, key, self._issuer, datetime.now(UTC))

    async def _refresh(self, header: Header) -> None:
        """Fetch the keys for an unknown key, at most once in each interval. Concurrent requests
        share one fetch."""
        async with self._fetching:
            recently = self._tried is not None and (
                self._clock() - self._tried < _MIN_FETCH_INTERVAL_SECONDS
            )
            if self._keys.find(header) is None and not recently:
                await self._fetch()

    async def _fetch(self) -> bool:
        """Fetch the keys; returns whether the provider answered with keys."""
        self._tried = self._clock()
        try:
            url = self._jwks_url or await self._discover()
            self._keys = KeySet(await self._get(url))
        except (IssuerUnavailableError, ValueError) as error:
            get_logger().warning("keys_not_fetched", issuer=self._issuer.url, error=str(error))
            return False
        self._fetched = self._clock()
        get_logger().info("keys_fetched", issuer=self._issuer.url, count=len(self._keys))
        return True

    async def _discover(self) -> str:
        address = f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration"
        found = await self._get(address)
        if not isinstance(found, dict) or found.get("issuer") != self._issuer.url:
            raise IssuerUnavailableError(f"{address} is not a document of {self._issuer.url}")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not is_safe(url):
            raise IssuerUnavailableError(f"{address} has no jwks_uri with https")
        return url

    async def _get(self, url: str) -> Any:
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    raise IssuerUnavailableError(
                        f"{url} responded with status {response.status_code}"
                    )
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST_BYTES:
                        raise IssuerUnavailableError(f"the response of {url} is larger than 1 MiB")
        except httpx.HTTPError as error:
            raise IssuerUnavailableError(f"{url}: {error!r}") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise IssuerUnavailableError(f"{url} is not JSON: {error}") from None


def _unavailable() -> RetryableError:
    return RetryableError("the identity provider is unavailable")


def is_safe(url: str) -> bool:
    """Whether a URL's content can be trusted: it is https, or http on this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    local = parsed.host in ("127.0.0.1", "::1", "localhost")
    return bool(parsed.host) and (parsed.scheme == "https" or (parsed.scheme == "http" and local))

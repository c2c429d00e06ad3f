"""Fetches a package from a URL that a caller gives.

A host name is resolved once, all its addresses are checked, and the connection goes to a checked
address. So a name that resolves to another address later (DNS rebinding) gains nothing. Redirects
are checked like the first URL. No proxy is used, and no credentials or cookies are sent.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
from headrace_runtime.errors import RejectedError

from headrace_api.errors import invalid_parameter
from headrace_api.http.bodies import read_package
from headrace_api.pipelines.rules.urls import checked_url, is_public, redirected

_FIELD = "package_url"
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECT_SECONDS = 5.0
_HEADERS: list[tuple[bytes | str, bytes | str]] = [
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
]


class Fetcher:
    """Fetches packages."""

    def __init__(self, max_bytes: int, seconds: float, *, allow_private: bool) -> None:
        """`seconds` is the timeout of a fetch, redirects included."""
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allow_private = allow_private

    async def fetch(self, url: str) -> bytes:
        """The package at a URL.

        Raises:
            RejectedError: the URL is not allowed, or does not return a package of the allowed size
                before the timeout.
        """
        checked_url(url, _FIELD)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url)
        except TimeoutError:
            raise _refused(
                f"{_FIELD} did not return a package within {self._seconds:g} s"
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            cause = str(error) or type(error).__name__
            raise _refused(f"{_FIELD} cannot be reached: {cause}"[:300]) from None

    async def _follow(self, url: str) -> bytes:
        backend = _CheckedBackend(self._allow_private)
        async with httpcore.AsyncConnectionPool(_tls(), network_backend=backend) as pool:
            for _ in range(_MAX_REDIRECTS + 1):
                async with pool.stream("GET", url, headers=_HEADERS) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response)
                    url = redirected(url, _header(response, b"location"), _FIELD)
        raise _refused(f"{_FIELD} redirects more than {_MAX_REDIRECTS} times")

    async def _read(self, response: httpcore.Response) -> bytes:
        if response.status != 200:
            raise _refused(f"{_FIELD} returned HTTP status {response.status}; expected 200")
        return await read_package(response.aiter_stream(), self._max_bytes, _FIELD)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - a parameter of the base class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await _addresses(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise _refused(f"{_FIELD} leads to host {host}, which does not have a public address")
        for address in addresses[:-1]:
            try:
                return await self._sockets.connect_tcp(address, port, _CONNECT_SECONDS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._sockets.connect_tcp(addresses[-1], port, _CONNECT_SECONDS)


async def _addresses(host: str, port: int) -> list[str]:
    """The addresses that a host name resolves to now; at least one."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refused(f"{_FIELD} has a host that cannot be resolved: {host}") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((v.decode("latin-1") for k, v in response.headers if k.lower() == name), "")


def _refused(message: str) -> RejectedError:
    return invalid_parameter(message, _FIELD)

"""Addresses from outside: what a package may be fetched from.

An address that a caller gives is a way into the network that the api stands in. So only HTTP is
spoken, and by default only to addresses that everybody can reach.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin, urlsplit

from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

LONGEST_URL = 2048
_IPV4_WITHIN = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))
"""The old way of IPv4 in IPv6, and NAT64: the last four bytes are an IPv4 address."""
_NEVER_PUBLIC = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""NAT64 and sites of the own network, which `is_global` does not know."""


def checked_url(url: str, field: str) -> str:
    """The URL, if it is one of HTTP.

    Raises:
        RejectedError: it is not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused(field, f"{field} is not a URL") from None
    if len(url) > LONGEST_URL:
        raise _refused(field, f"{field} is longer than {LONGEST_URL} characters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(field, f"{field} has characters that a URL has to escape")
    if parts.scheme not in ("http", "https") or not host:
        raise _refused(field, f"{field} has to begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise _refused(field, f"{field} must not hold a user or password")
    if port == 0:
        raise _refused(field, f"{field} is not a URL")
    return url


def redirected(url: str, location: str, field: str) -> str:
    """Where a URL leads on to.

    Raises:
        RejectedError: to nowhere, to what is not HTTP, or from what is encrypted to what is not.
    """
    try:
        target = checked_url(urljoin(url, location), field) if location else ""
    except ValueError:
        target = ""
    if not target:
        raise _refused(field, f"{field} leads on to what is not a URL")
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise _refused(field, f"{field} leads on from https to http")
    return target


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach. One that stands for another within
    it (IPv4 in IPv6, by any of the usual ways) is as public as that one."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and (inner := _inner(found)) is not None:
        found = inner
    never = any(found in network for network in _NEVER_PUBLIC)
    return found.is_global and not found.is_multicast and not never


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _IPV4_WITHIN):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _refused(field: str, message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.MALFORMED, message, field)

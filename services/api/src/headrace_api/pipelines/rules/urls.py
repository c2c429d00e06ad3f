"""Checks of URLs from callers, against requests into the network of the api (SSRF).

Only HTTP is allowed and, by default, only to public addresses.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin, urlsplit

from headrace_api.errors import malformed

MAX_URL_LENGTH = 2048
_IPV4_EMBEDDED = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))
"""IPv4-compatible addresses and NAT64: the last four bytes are an IPv4 address."""
_NEVER_PUBLIC = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""Local NAT64 and site-local addresses, which `is_global` accepts."""


def checked_url(url: str, field: str) -> str:
    """The URL.

    Raises:
        RejectedError: it is not a valid HTTP or HTTPS URL, or has a user name or password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise malformed(f"{field} is not a valid URL", field) from None
    if len(url) > MAX_URL_LENGTH:
        raise malformed(f"{field} is longer than {MAX_URL_LENGTH} characters", field)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise malformed(f"{field} contains characters that must be percent-encoded", field)
    if parts.scheme not in ("http", "https") or not host:
        raise malformed(f"{field} must start with http:// or https://, followed by a host", field)
    if parts.username is not None or parts.password is not None:
        raise malformed(f"{field} must not contain a user name or password", field)
    if port == 0:
        raise malformed(f"{field} is not a valid URL", field)
    return url


def redirected(url: str, location: str, field: str) -> str:
    """The target of a redirect; `location` is the value of the header ``Location``.

    Raises:
        RejectedError: the target is not a valid URL, or is HTTP while the source is HTTPS.
    """
    try:
        target = checked_url(urljoin(url, location), field) if location else ""
    except ValueError:
        target = ""
    if not target:
        raise malformed(f"{field} redirects to a location that is not a valid URL", field)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise malformed(f"{field} redirects from https to http", field)
    return target


def is_public(address: str) -> bool:
    """Whether an IP address is public. An IPv6 address that embeds an IPv4 address is as public as
    that."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and (embedded := _embedded_ipv4(parsed)) is not None:
        parsed = embedded
    never_public = any(parsed in network for network in _NEVER_PUBLIC)
    return parsed.is_global and not parsed.is_multicast and not never_public


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _IPV4_EMBEDDED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None

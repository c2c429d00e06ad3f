"""The origin of a request: which site's page sent it, and whether it names this gateway.

A browser sends cookies, and requests to the loopback interface, on behalf of any page it shows.
Therefore a request without a bearer token must come from one of the gateway's pages, or from none.
Source: Fetch Metadata Request Headers (W3C), RFC 6454 (origins).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""A request with any of these was forwarded: the connection is not the caller's."""


def host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port."""
    if host.startswith("["):
        address, _, port = host[1:].partition("]")
        return address.lower() if not port or port.startswith(":") else ""
    return host.partition(":")[0].rstrip(".").lower()


def is_loopback_name(name: str) -> bool:
    """Whether a name always means this machine. An attacker's DNS name may point here too; their
    page could then read the answers (DNS rebinding)."""
    return name == "localhost" or is_loopback_address(name)


def is_loopback_address(address: str) -> bool:
    """Whether an address is one of the loopback interface."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_own_host(host: str, configured: Iterable[str]) -> bool:
    """Whether a Host header names this gateway."""
    name = host_name(host)
    return is_loopback_name(name) or name in normalized_names(configured)


def normalized_names(configured: Iterable[str]) -> frozenset[str]:
    """Configured names in lower case, as they are compared."""
    return frozenset(name.lower() for name in configured)


def is_cross_site(
    method: str, page: bool, headers: Mapping[str, str], configured: Iterable[str] = ()
) -> bool:
    """Whether a browser says that another site's page sent the request. A link to one of the
    gateway's pages may be followed from any site: the page sends its own requests. `configured` are
    names of the gateway that a proxy may have removed from the Host header."""
    site = headers.get("sec-fetch-site", "none")
    follows_link = (
        page
        and method in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    if site not in ("same-origin", "none") and not follows_link:
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    scheme, _, host = origin.lower().partition("://")
    is_own = host == headers.get("host", "").lower() or (
        host_name(host) in normalized_names(configured)
    )
    return scheme not in ("http", "https") or not host or not is_own


def networks(addresses: Iterable[str]) -> tuple[Network, ...]:
    """Configured addresses and networks, parsed.

    Raises:
        ValueError: one is neither.
    """
    return tuple(ip_network(address) for address in addresses)


def in_networks(address: str, allowed: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in allowed)


def rate_limit_key(address: str) -> str:
    """The key of an address in rate limits. For IPv6 it is the /64 network: one host may use all
    of its 2^64 addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))

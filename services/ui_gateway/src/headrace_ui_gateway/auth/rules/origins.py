"""Where a request comes from: what a browser says of it, and which names lead here.

A browser sends cookies, and anything to the loopback interface, on behalf of whatever page it
shows. So a request that brings no token of its own has to come from a page of ours, or from none.
Source: Fetch Metadata Request Headers (W3C), RFC 6454 (origins).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""With any of these somebody else asks than who holds the connection."""


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        address, _, port = host[1:].partition("]")
        return address.lower() if not port or port.startswith(":") else ""
    return host.partition(":")[0].rstrip(".").lower()


def is_loopback_name(name: str) -> bool:
    """Whether a name always means this machine. A name that a stranger's DNS can point here does
    not: a page of his could then read what we answer."""
    return name == "localhost" or is_loopback_address(name)


def is_loopback_address(address: str) -> bool:
    """Whether an address is one of the loopback interface."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def leads_here(host: str, configured: Iterable[str]) -> bool:
    """Whether a Host header names this gateway."""
    name = host_name(host)
    return is_loopback_name(name) or name in names(configured)


def names(configured: Iterable[str]) -> frozenset[str]:
    """Configured names as they are compared."""
    return frozenset(name.lower() for name in configured)


def from_elsewhere(
    method: str, page: bool, headers: Mapping[str, str], configured: Iterable[str] = ()
) -> bool:
    """Whether a browser says that another site's page has sent this. A click on a link that leads
    to one of our pages is no harm: what the page asks for next, it asks itself. `configured` are
    names of ours that a proxy may have taken out of the Host header."""
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
    ours = host == headers.get("host", "").lower() or host_name(host) in names(configured)
    return scheme not in ("http", "https") or not host or not ours


def networks(addresses: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks, as they are configured.

    Raises:
        ValueError: one is neither.
    """
    return tuple(ip_network(address) for address in addresses)


def within(address: str, allowed: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in allowed)


def neighbourhood(address: str) -> str:
    """What stands for an address in limits: of IPv6, where anybody has 2^64, the network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))

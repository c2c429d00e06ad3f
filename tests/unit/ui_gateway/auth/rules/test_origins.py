"""The origin of a request and the names of the gateway."""

from __future__ import annotations

import pytest
from headrace_ui_gateway.auth.rules import origins

OWN = {"host": "localhost:8080"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:1", "127.9.9.9", "[::1]:5"]
)
def test_loopback_names_are_own_hosts(host: str) -> None:
    assert origins.is_own_host(host, ())


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1].evil.example",
        "2130706433",
        "x.localhost",
    ],
)
def test_other_names_are_not_own_hosts(host: str) -> None:
    assert not origins.is_own_host(host, ())


def test_configured_names_are_own_hosts() -> None:
    assert origins.is_own_host("Headrace.Example.org:443", ["headrace.example.org"])
    assert not origins.is_own_host("example.org", ["headrace.example.org"])


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "anything"}, True),
        ({"origin": "http://localhost:8080"}, False),
        ({"origin": "https://localhost:8080"}, False),
        ({"origin": "http://localhost:9090"}, True),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://evil.example", "sec-fetch-site": "same-origin"}, True),
    ],
)
def test_cross_site_requests_are_detected(headers: dict[str, str], foreign: bool) -> None:
    assert origins.is_cross_site("POST", False, {**OWN, **headers}) is foreign


def test_a_link_from_another_site_to_a_page_may_be_followed() -> None:
    link = {
        **OWN,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    assert not origins.is_cross_site("GET", True, link)
    assert origins.is_cross_site("GET", False, link), "an API is no page"
    assert origins.is_cross_site("POST", True, link), "a form is no link"
    assert origins.is_cross_site("GET", True, {**link, "sec-fetch-dest": "iframe"})
    assert origins.is_cross_site("GET", True, {**link, "sec-fetch-mode": "no-cors"})


def test_a_page_of_a_configured_host_is_not_cross_site() -> None:
    behind = {"host": "10.0.0.7:8080", "origin": "https://headrace.example.org"}
    assert origins.is_cross_site("POST", False, behind)
    assert not origins.is_cross_site("POST", False, behind, ["Headrace.example.org"])
    assert origins.is_cross_site("POST", False, behind, ["example.org"])
    assert origins.is_cross_site("POST", False, {"origin": "https://"}, [])


def test_networks() -> None:
    allowed = origins.networks(["10.1.0.0/16", "::1", "192.168.0.7"])
    assert origins.in_networks("10.1.2.3", allowed)
    assert origins.in_networks("::1", allowed)
    assert not origins.in_networks("10.2.0.1", allowed)
    assert not origins.in_networks("", allowed)
    assert not origins.in_networks("127.0.0.1", ())
    with pytest.raises(ValueError):
        origins.networks(["10.1.0.1/16"])


def test_ipv6_addresses_are_limited_by_network() -> None:
    assert origins.rate_limit_key("2001:db8::1") == origins.rate_limit_key("2001:db8::ffff")
    assert origins.rate_limit_key("2001:db8::1") != origins.rate_limit_key("2001:db8:0:1::1")
    assert origins.rate_limit_key("fe80::1%eth0") == "fe80::/64"
    assert origins.rate_limit_key("10.0.0.1") == "10.0.0.1"
    assert origins.rate_limit_key("") == ""

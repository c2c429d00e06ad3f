"""Where requests come from, and how often: names, origins, networks, buckets."""

from __future__ import annotations

import pytest
from headrace_ui_gateway.auth.rules import origins as guard
from headrace_ui_gateway.auth.rules.rate_limits import Buckets, Rate
from hypothesis import given
from hypothesis import strategies as st

OWN = {"host": "localhost:8080"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:1", "127.9.9.9", "[::1]:5"]
)
def test_loopback_names_lead_here(host: str) -> None:
    assert guard.leads_here(host, ())


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
def test_other_names_do_not(host: str) -> None:
    assert not guard.leads_here(host, ())


def test_configured_names_lead_here() -> None:
    assert guard.leads_here("Headrace.Example.org:443", ["headrace.example.org"])
    assert not guard.leads_here("example.org", ["headrace.example.org"])


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
def test_what_a_browser_says_of_a_page_elsewhere(headers: dict[str, str], foreign: bool) -> None:
    assert guard.from_elsewhere("POST", False, {**OWN, **headers}) is foreign


def test_a_link_to_a_page_may_be_followed() -> None:
    link = {
        **OWN,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    assert not guard.from_elsewhere("GET", True, link)
    assert guard.from_elsewhere("GET", False, link), "an API is no page"
    assert guard.from_elsewhere("POST", True, link), "a form is no link"
    assert guard.from_elsewhere("GET", True, {**link, "sec-fetch-dest": "iframe"})
    assert guard.from_elsewhere("GET", True, {**link, "sec-fetch-mode": "no-cors"})


def test_a_page_of_a_configured_name_is_ours() -> None:
    behind = {"host": "10.0.0.7:8080", "origin": "https://headrace.example.org"}
    assert guard.from_elsewhere("POST", False, behind)
    assert not guard.from_elsewhere("POST", False, behind, ["Headrace.example.org"])
    assert guard.from_elsewhere("POST", False, behind, ["example.org"])
    assert guard.from_elsewhere("POST", False, {"origin": "https://"}, [])


def test_networks() -> None:
    allowed = guard.networks(["10.1.0.0/16", "::1", "192.168.0.7"])
    assert guard.within("10.1.2.3", allowed)
    assert guard.within("::1", allowed)
    assert not guard.within("10.2.0.1", allowed)
    assert not guard.within("", allowed)
    assert not guard.within("127.0.0.1", ())
    with pytest.raises(ValueError):
        guard.networks(["10.1.0.1/16"])


def test_of_ipv6_a_network_is_one_stranger() -> None:
    assert guard.neighbourhood("2001:db8::1") == guard.neighbourhood("2001:db8::ffff")
    assert guard.neighbourhood("2001:db8::1") != guard.neighbourhood("2001:db8:0:1::1")
    assert guard.neighbourhood("fe80::1%eth0") == "fe80::/64"
    assert guard.neighbourhood("10.0.0.1") == "10.0.0.1"
    assert guard.neighbourhood("") == ""


def test_a_bucket_gives_its_burst_and_then_by_the_clock() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3), 10)
    assert [buckets.take("a", 0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 0) == pytest.approx(0.5)
    assert buckets.take("b", 0) == 0, "each has its own"
    assert buckets.take("a", 0.25) == pytest.approx(0.25), "asking in vain costs nothing"
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) > 0
    assert [buckets.take("a", 1000) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_a_clock_that_steps_back_gives_nothing() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 10)
    assert buckets.take("a", 10) == 0
    assert buckets.take("a", 5) > 0


@given(st.lists(st.text(max_size=3), max_size=200))
def test_there_is_room_for_a_bounded_number(keys: list[str]) -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 5)
    for moment, key in enumerate(keys):
        buckets.take(key, moment)
        assert len(buckets) <= 5

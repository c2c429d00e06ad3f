"""Which URLs of callers are allowed, and which addresses are public."""

from __future__ import annotations

import pytest
from headrace_api.pipelines.rules.urls import MAX_URL_LENGTH, checked_url, is_public, redirected
from headrace_runtime.errors import RejectedError


@pytest.mark.parametrize(
    "url",
    ["http://example.com", "https://example.com:8443/a/b.yaml?c=d#e", "HTTP://[2001:db8::1]/x"],
)
def test_an_http_url_is_valid(url: str) -> None:
    assert checked_url(url, "package_url") == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "http:// or https://"),
        ("pipeline.yaml", "http:// or https://"),
        ("ftp://example.com/a", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("gs://bucket/a", "http:// or https://"),
        ("javascript:alert(1)", "http:// or https://"),
        ("http://", "http:// or https://"),
        ("http:///a", "http:// or https://"),
        ("http://user@example.com", "user name or password"),
        ("http://:secret@example.com", "user name or password"),
        ("http://example.com:99999", "not a valid URL"),
        ("http://example.com:x", "not a valid URL"),
        ("http://example.com:0", "not a valid URL"),
        ("http://[::1", "not a valid URL"),
        ("http://example.com/a b", "must be percent-encoded"),
        ("http://example.com/\r\nHost: other", "must be percent-encoded"),
        ("http://example.com/\0", "must be percent-encoded"),
        ("http://exämple.com/", "must be percent-encoded"),
        ("http://example.com/" + "a" * MAX_URL_LENGTH, "longer than"),
    ],
)
def test_other_urls_are_rejected(url: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        checked_url(url, "package_url")
    assert caught.value.rejection.field == "package_url"


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://a.org/b/c", "d", "http://a.org/b/d"),
        ("http://a.org/b/c", "/d", "http://a.org/d"),
        ("http://a.org/b", "https://b.org/", "https://b.org/"),
        ("https://a.org/b", "//b.org/c", "https://b.org/c"),
    ],
)
def test_a_redirect_is_resolved(url: str, location: str, target: str) -> None:
    assert redirected(url, location, "package_url") == target


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "not a valid URL"),
        ("//[", "not a valid URL"),
        ("http://b.org", "from https to http"),
        ("file:///etc/passwd", "http:// or https://"),
        ("https://user:secret@b.org", "user name or password"),
    ],
)
def test_an_invalid_redirect_is_rejected(location: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message):
        redirected("https://a.org/b", location, "package_url")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
        ("::127.0.0.1", False),
        ("::10.0.0.1", False),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public

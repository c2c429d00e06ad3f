"""The keys of an identity provider that is sometimes unavailable."""

from __future__ import annotations

import httpx
import pytest
from headrace_runtime.errors import RetryableError
from headrace_ui_gateway.auth.issuer_keys import IssuerKeys, is_safe
from headrace_ui_gateway.auth.rules.principals import CredentialError
from headrace_ui_gateway.auth.rules.signed_tokens import Issuer

from tests.support.issuer import AUDIENCE, FakeIssuer


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_of(provider: FakeIssuer, clock: Clock) -> IssuerKeys:
    def answer(request: httpx.Request) -> httpx.Response:
        found = provider.document(request.url.path)
        return httpx.Response(503) if found is None else httpx.Response(200, json=found)

    issuer = Issuer(provider.url, AUDIENCE, frozenset({"ES256"}), "sub", "groups", 30)
    return IssuerKeys(issuer, None, clock, httpx.MockTransport(answer))


async def test_unknown_keys_refresh_the_key_set_at_a_bounded_rate() -> None:
    provider, clock = FakeIssuer(), Clock()
    keys = keys_of(provider, clock)
    assert (await keys.identity(provider.token("alice"))).user == "alice"
    assert provider.requests == 1
    provider.rotate("second")
    for _ in range(5):
        with pytest.raises(CredentialError):
            await keys.identity(provider.token("alice"))
    assert provider.requests == 1, "the keys were fetched a moment ago"
    clock.now += 11
    assert (await keys.identity(provider.token("alice"))).user == "alice"
    assert provider.requests == 2
    provider.rotate("never published", publish=False)
    for _ in range(5):
        clock.now += 3
        with pytest.raises(CredentialError):
            await keys.identity(provider.token("alice"))
    assert provider.requests == 3
    await keys.close()


async def test_tokens_with_cached_keys_are_accepted_while_the_issuer_is_unavailable() -> None:
    provider, clock = FakeIssuer(), Clock()
    keys = keys_of(provider, clock)
    token = provider.token("alice")
    provider.away = True
    with pytest.raises(RetryableError):
        await keys.identity(token)
    provider.away = False
    clock.now += 11
    assert (await keys.identity(token)).user == "alice"
    provider.away = True
    clock.now += 10_000
    assert (await keys.identity(token)).user == "alice"
    provider.rotate("unknown")
    with pytest.raises(CredentialError):
        await keys.identity(provider.token("alice"))
    assert (await keys.identity(token)).user == "alice"
    await keys.close()


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"},
        {"issuer": "https://issuer.example", "jwks_uri": "http://issuer.example/keys"},
        {},
        [],
    ],
)
async def test_a_discovery_document_of_another_issuer_is_rejected(
    document: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = FakeIssuer()
    keys = keys_of(provider, Clock())
    monkeypatch.setattr(provider, "document", lambda path: document)
    with pytest.raises(RetryableError):
        await keys.identity(provider.token("alice"))
    await keys.close()


def test_safe_urls() -> None:
    assert is_safe("https://issuer.example/keys")
    assert is_safe("http://127.0.0.1:8080/keys")
    assert is_safe("http://localhost/keys")
    for url in ("http://issuer.example", "file:///etc/passwd", "https://", "x", "http://[", ""):
        assert not is_safe(url)

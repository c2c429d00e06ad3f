"""Files that change while the gateway runs, and an issuer that does not always answer."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from headrace_runtime.errors import FatalError, RetryableError
from headrace_ui_gateway.auth.files import WatchedFile
from headrace_ui_gateway.auth.issuer_keys import IssuerKeys, is_safe
from headrace_ui_gateway.auth.rules.principals import CredentialError, FileError
from headrace_ui_gateway.auth.rules.signed_tokens import Issuer

from tests.support.issuer import AUDIENCE, FakeIssuer


def parse(text: str, toml: bool) -> str:
    if "bad" in text:
        raise FileError("it is bad")
    return f"{text}{' as toml' if toml else ''}"


def write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    write(path, "one")
    watched = WatchedFile(path, parse, "nothing", "tokens")
    assert watched.current() == "one as toml"
    write(path, "two")
    assert watched.current() == "two as toml"
    write(path, "bad")
    assert watched.current() == watched.current() == "two as toml"
    path.unlink()
    assert watched.current() == "nothing", "who deletes the file takes the tokens away"
    write(path, "three")
    assert watched.current() == "three as toml"


def test_a_change_of_the_same_size_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "roles.json"
    path.write_text("aa")
    watched = WatchedFile(path, parse, "", "roles")
    path.write_text("bb")
    os.utime(path, ns=(1, 1))
    assert watched.current() == "bb"


def test_a_file_that_is_bad_at_the_start_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("bad")
    with pytest.raises(FatalError, match=r"tokens file .* cannot be read: it is bad"):
        WatchedFile(tmp_path / "tokens.json", parse, "", "tokens")


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert WatchedFile(None, parse, "nothing", "tokens").current() == "nothing"
    assert WatchedFile(tmp_path / "none", parse, "nothing", "tokens").current() == "nothing"


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


async def test_an_unknown_key_is_asked_for_at_a_bounded_rate() -> None:
    provider, clock = FakeIssuer(), Clock()
    keys = keys_of(provider, clock)
    assert (await keys.identity(provider.token("alice"))).user == "alice"
    assert provider.requests == 1
    provider.rotate("second")
    for _ in range(5):
        with pytest.raises(CredentialError):
            await keys.identity(provider.token("alice"))
    assert provider.requests == 1, "somebody has just asked"
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


async def test_an_issuer_that_is_away_keeps_nobody_out_whose_key_is_known() -> None:
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
async def test_a_discovery_document_of_somebody_else_is_not_believed(
    document: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = FakeIssuer()
    keys = keys_of(provider, Clock())
    monkeypatch.setattr(provider, "document", lambda path: document)
    with pytest.raises(RetryableError):
        await keys.identity(provider.token("alice"))
    await keys.close()


def test_what_is_safe_to_fetch() -> None:
    assert is_safe("https://issuer.example/keys")
    assert is_safe("http://127.0.0.1:8080/keys")
    assert is_safe("http://localhost/keys")
    for url in ("http://issuer.example", "file:///etc/passwd", "https://", "x", "http://[", ""):
        assert not is_safe(url)

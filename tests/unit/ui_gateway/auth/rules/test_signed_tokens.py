"""Tokens of an identity provider: what is taken, and what a forger tries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from headrace_ui_gateway.auth.rules.principals import CredentialError, Fault
from headrace_ui_gateway.auth.rules.signed_tokens import (
    ALGORITHMS,
    Header,
    Identity,
    Issuer,
    KeySet,
    looks_signed,
    read_header,
    verify,
)
from jwt.algorithms import RSAAlgorithm

from tests.support.issuer import AUDIENCE, FakeIssuer, SigningKey

ISSUER = Issuer(
    url="https://issuer.example",
    audience=AUDIENCE,
    algorithms=frozenset({"RS256", "ES256"}),
    username_claim="sub",
    groups_claim="groups",
    leeway_seconds=30,
)


@pytest.fixture(scope="module")
def provider() -> FakeIssuer:
    return FakeIssuer(ISSUER.url)


def take(token: str, provider: FakeIssuer, issuer: Issuer = ISSUER, later: float = 0) -> Identity:
    """The whole way of a token."""
    header = read_header(token, issuer)
    key = KeySet({"keys": provider.published}).find(header)
    if key is None:
        raise CredentialError(Fault.UNKNOWN, "no key")
    return verify(token, key, issuer, datetime.now(UTC) + timedelta(seconds=later))


def fault(call: Callable[[], Any]) -> Fault:
    with pytest.raises(CredentialError) as caught:
        call()
    return caught.value.fault


def test_a_valid_token_names_a_user_and_groups(provider: FakeIssuer) -> None:
    token = provider.token("alice", ("ml", "ops"))
    assert looks_signed(token)
    assert take(token, provider) == Identity("alice", ("ml", "ops"))


def test_rsa_keys_are_accepted() -> None:
    other = FakeIssuer(ISSUER.url)
    other.key = SigningKey("rsa", "RS256")
    other.published = [other.key.public]
    assert take(other.token("alice"), other).user == "alice"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1}, Fault.EXPIRED),
        ({"exp": None}, Fault.UNKNOWN),
        ({"exp": True}, Fault.UNKNOWN),
        ({"exp": "tomorrow"}, Fault.UNKNOWN),
        ({"exp": 1e400}, Fault.UNKNOWN),
        ({"nbf": 2**40}, Fault.UNKNOWN),
        ({"iat": 2**40}, Fault.UNKNOWN),
        ({"aud": "somebody-else"}, Fault.AUDIENCE),
        ({"aud": None}, Fault.AUDIENCE),
        ({"aud": ["a", "b"]}, Fault.AUDIENCE),
        ({"aud": {"headrace": 1}}, Fault.AUDIENCE),
        ({"iss": "https://issuer.example/"}, Fault.UNKNOWN),
        ({"iss": None}, Fault.UNKNOWN),
        ({"sub": None}, Fault.UNKNOWN),
        ({"sub": ""}, Fault.UNKNOWN),
        ({"sub": 7}, Fault.UNKNOWN),
    ],
)
def test_every_invalid_claim_is_rejected(
    provider: FakeIssuer, claims: dict[str, Any], expected: Fault
) -> None:
    subject = claims.pop("sub", "alice")
    body = provider.claims("alice", **claims) | {"sub": subject}
    if subject is None:
        del body["sub"]
    token = signed(provider.key, body)
    assert fault(lambda: take(token, provider)) is expected


def signed(key: SigningKey, claims: Any, **header: Any) -> str:
    """A token with any claims at all."""
    body = json.dumps(claims).encode()
    return jwt.PyJWS().encode(body, key.private, key.algorithm, headers={"kid": key.id, **header})


def test_clocks_may_differ_by_the_leeway(provider: FakeIssuer) -> None:
    token = provider.token("alice")
    assert take(token, provider, later=320).user == "alice"
    assert fault(lambda: take(token, provider, later=340)) is Fault.EXPIRED
    assert take(token, provider, later=-20).user == "alice"
    assert fault(lambda: take(token, provider, later=-40)) is Fault.UNKNOWN


def test_the_audience_may_be_one_of_several(provider: FakeIssuer) -> None:
    assert take(provider.token("alice", aud=["other", AUDIENCE]), provider).user == "alice"


def test_groups_may_be_missing_or_a_string_or_invalid(provider: FakeIssuer) -> None:
    assert take(provider.token("alice", groups=None), provider).groups == ()
    assert take(provider.token("alice", groups="ml"), provider).groups == ("ml",)
    assert take(provider.token("alice", groups=["ml", 3, None]), provider).groups == ("ml",)
    assert take(provider.token("alice", groups={"ml": 1}), provider).groups == ()


def test_an_unverified_email_address_is_rejected(provider: FakeIssuer) -> None:
    by_mail = replace(ISSUER, username_claim="email")
    good = provider.token("x", email="a@example.org", email_verified=True)
    assert take(good, provider, by_mail).user == "a@example.org"
    bad = provider.token("x", email="a@example.org", email_verified=False)
    assert fault(lambda: take(bad, provider, by_mail)) is Fault.UNKNOWN


def _raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 7, "HS256", "ES384"])
def test_other_algorithms_than_the_configured_are_rejected(
    provider: FakeIssuer, algorithm: Any
) -> None:
    token = _raw({"alg": algorithm, "kid": "first"}, provider.claims("alice"))
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN


def test_a_public_key_is_not_accepted_as_an_hmac_secret(provider: FakeIssuer) -> None:
    """The classic: sign with HMAC, with the public key as the secret."""
    secret = json.dumps(provider.key.public).encode()
    unsigned = _raw({"alg": "HS256", "kid": "first"}, provider.claims("alice")).rpartition(".")[0]
    mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    token = f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN
    assert not any(name.startswith("HS") or name == "none" for name in ALGORITHMS)


def test_a_symmetric_key_in_the_key_set_is_ignored() -> None:
    secret = {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode(), "kid": "s"}
    assert len(KeySet({"keys": [secret]})) == 0


def test_an_algorithm_that_does_not_fit_the_key_is_rejected(provider: FakeIssuer) -> None:
    undeclared = {k: v for k, v in provider.key.public.items() if k != "alg"}
    keys = KeySet({"keys": [undeclared]})
    assert keys.find(Header("first", "ES256")) is not None
    assert keys.find(Header("first", "RS256")) is None
    assert KeySet({"keys": provider.published}).find(Header("first", "ES384")) is None


def test_only_the_issuers_keys_are_accepted(provider: FakeIssuer) -> None:
    forger = FakeIssuer(ISSUER.url)  # the same key id, another key
    assert fault(lambda: take(forger.token("alice"), provider)) is Fault.UNKNOWN
    forger.rotate("unheard-of")
    assert fault(lambda: take(forger.token("alice"), provider)) is Fault.UNKNOWN


def test_a_key_in_the_header_is_ignored(provider: FakeIssuer) -> None:
    forger = SigningKey("first")
    claims = provider.claims("alice")
    for header in ({"jwk": forger.public}, {"jku": "https://evil.example/keys"}):
        token = signed(forger, claims, **header)
        assert fault(lambda token=token: take(token, provider)) is Fault.UNKNOWN


def test_without_a_key_id_the_only_key_is_used(provider: FakeIssuer) -> None:
    token = jwt.encode(provider.claims("alice"), provider.key.private, "ES256")
    assert take(token, provider).user == "alice"
    both = KeySet({"keys": [*provider.published, SigningKey("second").public]})
    assert both.find(Header(None, "ES256")) is None


def test_a_modified_token_is_rejected(provider: FakeIssuer) -> None:
    head, _, signature = provider.token("alice").split(".")
    body = base64.urlsafe_b64encode(json.dumps(provider.claims("root")).encode()).decode()
    token = f"{head}.{body.rstrip('=')}.{signature}"
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN


@pytest.mark.parametrize(
    "token", ["..", "a.b.c", "\x00.\x00.\x00", "é.é.é", "W10.W10.W10", "[" * 5000 + "..", "ey.."]
)
def test_garbage_is_rejected(provider: FakeIssuer, token: str) -> None:
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN


@pytest.mark.parametrize("claims", [[], "x", 7, None])
def test_claims_that_are_not_an_object_are_rejected(provider: FakeIssuer, claims: Any) -> None:
    token = signed(provider.key, claims)
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN


def test_a_token_that_is_too_long_is_not_parsed() -> None:
    assert not looks_signed("a" * 20_000 + ".b.c")
    assert not looks_signed("a.b")


@pytest.mark.parametrize("document", [[], {"keys": {}}, {}, "x", 7])
def test_an_invalid_key_set_is_rejected(document: Any) -> None:
    with pytest.raises(ValueError, match="a JWK set"):
        KeySet(document)


def test_unusable_keys_are_ignored(provider: FakeIssuer) -> None:
    odd = [7, {}, {"kty": "RSA"}, {"kty": "EC", "kid": "broken", "crv": "P-256"}]
    encrypting = {**provider.key.public, "kid": "enc", "use": "enc"}
    keys = KeySet({"keys": [*odd, encrypting, *provider.published]})
    assert keys.find(Header("first", "ES256")) is not None
    assert keys.find(Header("broken", "ES256")) is None
    assert keys.find(Header("enc", "ES256")) is None


def test_an_rsa_key_below_2048_bits_is_rejected() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    document = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    document |= {"kid": "weak", "use": "sig", "key_ops": ["verify"]}
    provider = FakeIssuer(ISSUER.url)
    provider.published = [document]
    body = json.dumps(provider.claims("alice")).encode()
    weak = jwt.PyJWS(options={"enforce_minimum_key_length": False})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = weak.encode(body, private, "RS256", headers={"kid": "weak"})
    assert fault(lambda: take(token, provider)) is Fault.UNKNOWN

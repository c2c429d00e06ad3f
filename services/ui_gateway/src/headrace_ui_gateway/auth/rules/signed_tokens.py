"""Signed tokens of an identity provider (OpenID Connect): signature and claims.

Source: RFC 7519 (JWT), RFC 7517 (JWK), RFC 8725 (best practice: the allowed algorithms are
configured, never taken from the token; issuer and audience are checked).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jwt import PyJWK, PyJWS
from jwt.exceptions import PyJWTError

from headrace_ui_gateway.auth.rules.principals import LONGEST_TOKEN, CredentialError, Fault

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Algorithms with a public key. With a shared secret, anyone who can verify a token can also
create one."""
_JWS = PyJWS(options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider, and how to read its tokens."""

    url: str
    audience: str
    algorithms: frozenset[str]
    username_claim: str
    groups_claim: str
    leeway_seconds: float


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a token, and their groups."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a token: the key and algorithm that it claims."""

    key_id: str | None
    algorithm: str


def looks_signed(token: str) -> bool:
    """Whether a token can be a JWT."""
    return len(token) <= LONGEST_TOKEN and token.count(".") == 2


def read_header(token: str, issuer: Issuer) -> Header:
    """The header of an unverified token.

    Raises:
        CredentialError: there is none, or its algorithm is not allowed.
    """
    try:
        header = _JWS.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError) as error:
        raise CredentialError(Fault.UNKNOWN, f"not a JWT: {error}") from None
    algorithm = header.get("alg")
    if algorithm not in issuer.algorithms:
        raise CredentialError(Fault.UNKNOWN, f"the algorithm {algorithm!r} is not allowed")
    return Header(header.get("kid"), str(algorithm))


class KeySet:
    """An issuer's public keys, from its JWK set. Keys that cannot verify signatures are ignored."""

    def __init__(self, document: Any = None) -> None:
        """Raises ValueError when `document` is not a JWK set."""
        keys = document.get("keys") if isinstance(document, dict) else None
        if document is not None and not isinstance(keys, list):
            raise ValueError("a JWK set is an object with a list 'keys'")
        self._documents = [key for key in keys or () if _can_verify(key)]
        self._keys: dict[tuple[int, str], PyJWK] = {}

    def __len__(self) -> int:
        return len(self._documents)

    def find(self, header: Header) -> PyJWK | None:
        """The key of a token. Without a key id it is the only key, if there is exactly one."""
        for position, document in enumerate(self._documents):
            if header.key_id is None:
                matches = len(self._documents) == 1
            else:
                matches = document.get("kid") == header.key_id
            if matches and document.get("alg", header.algorithm) == header.algorithm:
                return self._parse(position, header.algorithm)
        return None

    def _parse(self, position: int, algorithm: str) -> PyJWK | None:
        key = self._keys.get((position, algorithm))
        if key is None:
            try:
                key = PyJWK(self._documents[position], algorithm)
            except (PyJWTError, ValueError, TypeError):
                return None  # the key's type does not fit the algorithm
            self._keys[position, algorithm] = key
        return key


def _can_verify(key: Any) -> bool:
    """Whether a key is a public key for signatures. A shared secret in a public set is not."""
    if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
        return False
    return key.get("use", "sig") == "sig" and "d" not in key


def verify(token: str, key: PyJWK, issuer: Issuer, now: datetime) -> Identity:
    """The user and groups of a token, after its signature and claims were checked.

    Raises:
        CredentialError: the token is not valid.
    """
    try:
        payload = _JWS.decode(token, key, algorithms=[key.algorithm_name])
        claims = json.loads(payload)
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise CredentialError(Fault.UNKNOWN, f"invalid signature: {error}") from None
    if not isinstance(claims, dict):
        raise CredentialError(Fault.UNKNOWN, "the claims are not an object")
    check_claims(claims, issuer, now)
    return identity(claims, issuer)


def check_claims(claims: Mapping[str, Any], issuer: Issuer, now: datetime) -> None:
    """Check that a token is from this issuer, for this audience, and valid at the time `now`.

    Raises:
        CredentialError: it is not.
    """
    if claims.get("iss") != issuer.url:
        raise CredentialError(Fault.UNKNOWN, f"the issuer is {claims.get('iss')!r}")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in audiences:
        raise CredentialError(Fault.AUDIENCE, f"the audience is {audience!r}")
    seconds = now.timestamp()
    expires = _numeric_date(claims, "exp")
    if expires is None:
        raise CredentialError(Fault.UNKNOWN, "exp is missing")
    if seconds >= expires + issuer.leeway_seconds:
        raise CredentialError(Fault.EXPIRED, f"expired at {expires}")
    for name in ("nbf", "iat"):
        begins = _numeric_date(claims, name)
        if begins is not None and seconds < begins - issuer.leeway_seconds:
            raise CredentialError(Fault.UNKNOWN, f"{name} is in the future")


def _numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise CredentialError(Fault.UNKNOWN, f"{name} is not a NumericDate")
    return float(value)


def identity(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """The user and groups in claims.

    Raises:
        CredentialError: the claims name no user.
    """
    user = claims.get(issuer.username_claim)
    if not isinstance(user, str) or not user:
        raise CredentialError(Fault.UNKNOWN, f"no claim {issuer.username_claim!r}")
    if issuer.username_claim == "email" and claims.get("email_verified") is False:
        raise CredentialError(Fault.UNKNOWN, "the email address is not verified")
    groups = claims.get(issuer.groups_claim)
    given = [groups] if isinstance(groups, str) else groups
    named = given if isinstance(given, list) else []
    return Identity(user, tuple(group for group in named if isinstance(group, str)))

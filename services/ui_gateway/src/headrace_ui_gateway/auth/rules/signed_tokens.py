"""Tokens of an identity provider: signed claims about a user, by OpenID Connect.

Source: RFC 7519 (JWT), RFC 7517 (JWK), RFC 8725 (best practice: the algorithm is ours to choose,
never the token's; what a token was made for is checked).
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
"""Those with a public key. With a shared secret, whoever can check a token can make one."""
_JWS = PyJWS(options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken, and how they are read."""

    url: str
    audience: str
    algorithms: frozenset[str]
    username_claim: str
    groups_claim: str
    leeway_seconds: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is about."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """Which key a token says that it was signed with, and how."""

    key_id: str | None
    algorithm: str


def looks_signed(token: str) -> bool:
    """Whether a token may be a JWT at all."""
    return len(token) <= LONGEST_TOKEN and token.count(".") == 2


def read_header(token: str, issuer: Issuer) -> Header:
    """The header of a token that nothing has been checked of yet.

    Raises:
        CredentialError: it has none, or its algorithm is not allowed.
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
    """An issuer's public keys, as its JWK set describes them."""

    def __init__(self, document: Any = None) -> None:
        """Raises ValueError when `document` is not a JWK set."""
        keys = document.get("keys") if isinstance(document, dict) else None
        if document is not None and not isinstance(keys, list):
            raise ValueError("a JWK set is an object with a list 'keys'")
        self._described = [key for key in keys or () if _verifies(key)]
        self._made: dict[tuple[int, str], PyJWK] = {}

    def __len__(self) -> int:
        return len(self._described)

    def find(self, header: Header) -> PyJWK | None:
        """The key that a token was signed with; without a key id, the only key that there is."""
        for place, described in enumerate(self._described):
            if header.key_id is None:
                known = len(self._described) == 1
            else:
                known = described.get("kid") == header.key_id
            if known and described.get("alg", header.algorithm) == header.algorithm:
                return self._make(place, header.algorithm)
        return None

    def _make(self, place: int, algorithm: str) -> PyJWK | None:
        made = self._made.get((place, algorithm))
        if made is None:
            try:
                made = PyJWK(self._described[place], algorithm)
            except (PyJWTError, ValueError, TypeError):
                return None  # a key of another type than the algorithm's
            self._made[place, algorithm] = made
        return made


def _verifies(key: Any) -> bool:
    """Whether a key is a public one for signatures: a shared secret in a public set is none."""
    if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
        return False
    return key.get("use", "sig") == "sig" and "d" not in key


def verify(token: str, key: PyJWK, issuer: Issuer, now: datetime) -> Identity:
    """Who a token is about, once everything about it was checked.

    Raises:
        CredentialError: something of it does not hold.
    """
    try:
        payload = _JWS.decode(token, key, algorithms=[key.algorithm_name])
        claims = json.loads(payload)
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise CredentialError(Fault.UNKNOWN, f"the signature does not hold: {error}") from None
    if not isinstance(claims, dict):
        raise CredentialError(Fault.UNKNOWN, "the claims are not an object")
    check_claims(claims, issuer, now)
    return identity(claims, issuer)


def check_claims(claims: Mapping[str, Any], issuer: Issuer, now: datetime) -> None:
    """Whether a token is from this issuer, for this audience, and for this moment.

    Raises:
        CredentialError: it is not.
    """
    if claims.get("iss") != issuer.url:
        raise CredentialError(Fault.UNKNOWN, f"the issuer is {claims.get('iss')!r}")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in audiences:
        raise CredentialError(Fault.AUDIENCE, f"the audience is {audience!r}")
    moment = now.timestamp()
    expires = _moment(claims, "exp")
    if expires is None:
        raise CredentialError(Fault.UNKNOWN, "the token never expires")
    if moment >= expires + issuer.leeway_seconds:
        raise CredentialError(Fault.EXPIRED, f"expired at {expires}")
    for name in ("nbf", "iat"):
        begins = _moment(claims, name)
        if begins is not None and moment < begins - issuer.leeway_seconds:
            raise CredentialError(Fault.UNKNOWN, f"{name} is in the future")


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise CredentialError(Fault.UNKNOWN, f"{name} is not a moment")
    return float(value)


def identity(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """The user and groups that claims name.

    Raises:
        CredentialError: they name no user.
    """
    user = claims.get(issuer.username_claim)
    if not isinstance(user, str) or not user:
        raise CredentialError(Fault.UNKNOWN, f"there is no claim {issuer.username_claim!r}")
    if issuer.username_claim == "email" and claims.get("email_verified") is False:
        raise CredentialError(Fault.UNKNOWN, "the address was not verified")
    groups = claims.get(issuer.groups_claim)
    given = [groups] if isinstance(groups, str) else groups
    named = given if isinstance(given, list) else []
    return Identity(user, tuple(group for group in named if isinstance(group, str)))

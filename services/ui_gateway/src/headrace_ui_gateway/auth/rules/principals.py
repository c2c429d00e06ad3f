"""Principals, static tokens, and the roles of users and groups.

Tokens and roles are in files that an operator writes. A file is validated as a whole: a typo
invalidates the file, and does not change anyone's rights.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from headrace_contracts.access import NAMESPACE, Access, Role
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

LONGEST_TOKEN = 16 * 1024
"""Characters. Identity providers keep theirs below 8 KiB, since servers refuse longer headers."""


class Fault(StrEnum):
    """Why a credential is rejected: the message that the caller gets."""

    MISSING = "a bearer token is required"
    UNKNOWN = "the token is not valid"
    EXPIRED = "the token has expired"
    AUDIENCE = "the token is for another audience"


class CredentialError(Exception):
    """The credential is rejected. `why` is for the log only, not for the caller."""

    def __init__(self, fault: Fault, why: str = "") -> None:
        super().__init__(why or fault.value)
        self.fault = fault
        self.why = why or fault.value


class Kind(StrEnum):
    """How a principal is authenticated."""

    OWNER = "owner"
    """The owner of the deployment: by its own token, or as the user who runs it."""
    MACHINE = "machine"
    """By a static token."""
    USER = "user"
    """By an identity provider, or by a proxy in front."""
    ANONYMOUS = "nobody"
    """Not authenticated: may use only what needs no authentication."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller."""

    kind: Kind
    name: str
    access: Access = field(default_factory=Access)

    @property
    def key(self) -> str:
        """Identifies the principal in logs and rate limits."""
        return f"{self.kind}:{self.name}"


ANONYMOUS = Principal(Kind.ANONYMOUS, "")
OWNER = Principal(Kind.OWNER, "owner", Access.everywhere())


class FileError(Exception):
    """A file that an operator wrote is invalid; the message says where."""


class _FileModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


W = TypeVar("W", bound=_FileModel)
_Namespace = Annotated[str, StringConstraints(pattern=rf"{NAMESPACE}|^\*$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _Token(_FileModel):
    name: _Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    roles: dict[_Namespace, Role] = Field(min_length=1)
    expires_at: AwareDatetime | None = None


class _Tokens(_FileModel):
    tokens: tuple[_Token, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> _Tokens:
        names = [token.name for token in self.tokens]
        if len(set(names)) != len(names):
            raise ValueError("two tokens have the same name")
        return self


class _Subject(_FileModel):
    user: _Name | None = None
    group: _Name | None = None
    roles: dict[_Namespace, Role] = Field(min_length=1)

    @model_validator(mode="after")
    def _user_or_group(self) -> _Subject:
        if (self.user is None) == (self.group is None):
            raise ValueError("a subject is either a user or a group")
        return self


class _Roles(_FileModel):
    subjects: tuple[_Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A machine's token, as its SHA-256 digest. The token itself is not stored."""

    digest: bytes
    principal: Principal
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The static tokens."""

    tokens: tuple[StaticToken, ...] = ()

    @classmethod
    def read(cls, text: str, toml: bool) -> TokenTable:
        """The table in a tokens file.

        Raises:
            FileError: the file is invalid.
        """
        written = _read(_Tokens, text, toml)
        return cls(
            tuple(
                StaticToken(
                    bytes.fromhex(token.sha256),
                    Principal(Kind.MACHINE, token.name, Access(dict(token.roles))),
                    token.expires_at,
                )
                for token in written.tokens
            )
        )

    def find(self, token: str, now: datetime) -> Principal | None:
        """The principal of a token; None if it is not in the table. Compares it with every token,
        so that the duration reveals nothing.

        Raises:
            CredentialError: the token has expired.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: StaticToken | None = None
        for one in self.tokens:
            if hmac.compare_digest(one.digest, digest):
                found = one
        if found is None:
            return None
        if found.expires_at is not None and found.expires_at <= now:
            raise CredentialError(Fault.EXPIRED, f"{found.principal.key} has expired")
        return found.principal


def owner_token(token: str) -> TokenTable:
    """A table with the deployment's own token."""
    return TokenTable((StaticToken(hashlib.sha256(token.encode()).digest(), OWNER),))


@dataclass(frozen=True, slots=True)
class RoleTable:
    """Roles of users and groups."""

    users: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, toml: bool) -> RoleTable:
        """The table in a roles file.

        Raises:
            FileError: the file is invalid.
        """
        users: dict[str, Mapping[str, Role]] = {}
        groups: dict[str, Mapping[str, Role]] = {}
        for subject in _read(_Roles, text, toml).subjects:
            table, name = (users, subject.user) if subject.user else (groups, subject.group)
            assert name is not None
            table[name] = highest((table.get(name, {}), subject.roles))
        return cls(users, groups)

    def access(self, user: str, groups: Iterable[str] = ()) -> Access:
        """The rights of a user in some groups: in each namespace the highest of their roles."""
        granted = [self.users.get(user, {}), *(self.groups.get(group, {}) for group in groups)]
        return Access(highest(granted))


def highest(roles: Iterable[Mapping[str, Role]]) -> dict[str, Role]:
    """The highest role in each namespace. The role in `*`, every namespace, is a separate entry."""
    found: dict[str, Role] = {}
    for granted in roles:
        for namespace, role in granted.items():
            before = found.get(namespace)
            if before is None or role.includes(before):
                found[namespace] = role
    return found


def _read(kind: type[W], text: str, toml: bool) -> W:
    try:
        value: Any = tomllib.loads(text) if toml else json.loads(text)
        return kind.model_validate(value)
    except (ValueError, RecursionError) as error:
        raise FileError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details is None:
        return str(error) or type(error).__name__
    first = details()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])

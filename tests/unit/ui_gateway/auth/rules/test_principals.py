"""Static tokens and roles: what files say, and what follows from it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from headrace_contracts.access import Access, Role
from headrace_ui_gateway.auth.rules.principals import (
    OWNER,
    CredentialError,
    Fault,
    FileError,
    Kind,
    RoleTable,
    TokenTable,
    highest,
    owner_token,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def table(**more: object) -> TokenTable:
    entry = {"name": "ci", "sha256": digest("s3cret"), "roles": {"team-a": "editor"}, **more}
    return TokenTable.read(json.dumps({"tokens": [entry]}), False)


def test_a_static_token_is_found_by_its_digest() -> None:
    found = table().find("s3cret", NOW)
    assert found is not None
    assert (found.kind, found.name, found.key) == (Kind.MACHINE, "ci", "machine:ci")
    assert found.access == Access({"team-a": Role.EDITOR})
    assert table().find("s3cret ", NOW) is None
    assert table().find(digest("s3cret"), NOW) is None
    assert table().find("", NOW) is None
    assert table().find("\udcff", NOW) is None


def test_an_expired_token_has_its_own_error() -> None:
    until = table(expires_at=NOW.isoformat())
    assert until.find("s3cret", NOW - timedelta(seconds=1)) is not None
    with pytest.raises(CredentialError) as caught:
        until.find("s3cret", NOW)
    assert caught.value.fault is Fault.EXPIRED


def test_the_same_file_as_toml() -> None:
    text = f"""
    [[tokens]]
    name = "ci"
    sha256 = "{digest("s3cret")}"
    expires_at = 2026-12-01T00:00:00Z
    roles = {{ team-a = "viewer", "*" = "viewer" }}
    """
    found = TokenTable.read(text, True).find("s3cret", NOW)
    assert found is not None
    assert found.access.visible is None


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"sha256": "s3cret"}, "sha256"),
        ({"sha256": digest("x").upper()}, "sha256"),
        ({"roles": {}}, "roles"),
        ({"roles": {"team-a": "owner"}}, "roles.team-a"),
        ({"roles": {"a/b": "viewer"}}, "roles.a/b"),
        ({"roles": {"team-*": "viewer"}}, "roles"),
        ({"name": ""}, "name"),
        ({"expires_at": "2026-12-01T00:00:00"}, "expires_at"),
        ({"expire_at": "2026-12-01T00:00:00Z"}, "expire_at"),
    ],
)
def test_an_invalid_entry_invalidates_the_file(entry: dict[str, object], says: str) -> None:
    with pytest.raises(FileError, match=says.replace("*", ".")):
        table(**entry)


@pytest.mark.parametrize(("text", "toml"), [("{", False), ("[]", False), ("a =", True)])
def test_an_invalid_tokens_file_is_rejected(text: str, toml: bool) -> None:
    with pytest.raises(FileError):
        TokenTable.read(text, toml)


def test_duplicate_token_names_are_rejected() -> None:
    entry = {"name": "ci", "sha256": digest("a"), "roles": {"a": "viewer"}}
    with pytest.raises(FileError, match="same name"):
        TokenTable.read(json.dumps({"tokens": [entry, {**entry, "sha256": digest("b")}]}), False)


def test_the_owner_token_has_every_right() -> None:
    assert owner_token("own").find("own", NOW) is OWNER
    assert OWNER.access.may(Role.ADMIN, "anything")


def roles(*subjects: dict[str, object]) -> RoleTable:
    return RoleTable.read(json.dumps({"subjects": subjects}), False)


def test_a_user_has_the_highest_of_their_roles_in_each_namespace() -> None:
    written = roles(
        {"user": "alice", "roles": {"team-a": "viewer", "own": "admin"}},
        {"group": "ml", "roles": {"team-a": "editor", "team-b": "viewer"}},
        {"group": "ops", "roles": {"*": "viewer"}},
        {"user": "alice", "roles": {"late": "editor"}},
    )
    assert written.access("alice", ["ml", "unheard-of"]) == Access(
        {
            "team-a": Role.EDITOR,
            "own": Role.ADMIN,
            "team-b": Role.VIEWER,
            "late": Role.EDITOR,
        }
    )
    assert written.access("bob", ["ops"]).visible is None
    assert written.access("bob") == Access()
    assert written.access("ml") == Access(), "a user's name is not a group's"


@pytest.mark.parametrize(
    "subject",
    [
        {"roles": {"a": "viewer"}},
        {"user": "x", "group": "y", "roles": {"a": "viewer"}},
        {"user": "x", "roles": {}},
        {"user": "x"},
    ],
)
def test_a_subject_is_a_user_or_a_group_with_roles(subject: dict[str, object]) -> None:
    with pytest.raises(FileError):
        roles(subject)


def test_the_highest_role_wins_in_any_order() -> None:
    one, two = {"a": Role.ADMIN, "b": Role.VIEWER}, {"a": Role.VIEWER, "b": Role.EDITOR}
    expected = {"a": Role.ADMIN, "b": Role.EDITOR}
    assert highest([one, two]) == highest([two, one]) == expected

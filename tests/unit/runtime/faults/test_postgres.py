"""Every error of Postgres and of its client has exactly one kind."""

from __future__ import annotations

import inspect
from uuid import UUID

import asyncpg
import pytest
from asyncpg import exceptions
from asyncpg.exceptions import _base
from headrace_contracts.messages.events import RunCancelRequested
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.faults import postgres
from headrace_runtime.faults.kinds import Kind, translated

UNAVAILABLE_STATES = {
    *("08000", "08001", "08003", "08004", "08006", "08007", "08P01"),
    *("25006", "25P03", "25P04", "28000", "28P01", "3D000"),
    *("40000", "40001", "40003", "40P01", "42501"),
    *("53000", "53100", "53200", "53300", "53400", "55006", "55P03"),
    *("57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05"),
    *("58000", "58030", "58P01", "58P02", "58P03", "72000", "XX001", "XX002"),
}
NOT_STORABLE_CLASSES = {"22", "54"}
CLIENT_KINDS = {
    "InterfaceError": Kind.UNAVAILABLE,
    "InternalClientError": Kind.UNAVAILABLE,
    "ProtocolError": Kind.UNAVAILABLE,
    "OutdatedSchemaCacheError": Kind.UNAVAILABLE,
    "TargetServerAttributeNotMatched": Kind.UNAVAILABLE,
    "FatalPostgresError": Kind.UNAVAILABLE,
    "UnknownPostgresError": Kind.UNAVAILABLE,
    "InvalidCachedStatementError": Kind.UNAVAILABLE,
    "DataError": Kind.NOT_STORABLE,
    "ClientConfigurationError": Kind.DEFECT,
    "UnsupportedClientFeatureError": Kind.DEFECT,
    "UnsupportedServerFeatureError": Kind.DEFECT,
    "PostgresError": Kind.DEFECT,
}
"""Of the classes without an SQLSTATE of their own, and of one that says more than its SQLSTATE."""


def error_classes() -> list[type[Exception]]:
    """Every class of the client that can be raised as an error."""
    found = {
        one
        for module in (exceptions, _base)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Exception) and not issubclass(one, Warning)
    }
    return sorted(found - {Exception}, key=lambda one: (one.__module__, one.__name__))


def expected(error: type[Exception]) -> Kind:
    state = getattr(error, "sqlstate", None)
    if state is None or error.__name__ == "InvalidCachedStatementError":
        return CLIENT_KINDS[error.__name__]
    if state in UNAVAILABLE_STATES:
        return Kind.UNAVAILABLE
    return Kind.NOT_STORABLE if state[:2] in NOT_STORABLE_CLASSES else Kind.DEFECT


@pytest.mark.parametrize(
    "error",
    error_classes(),
    ids=lambda one: f"{one.__module__[-5:]}.{one.__name__}",
)
def test_every_error_of_the_client_has_one_kind(error: type[Exception]) -> None:
    assert postgres.kind_of(error.__new__(error)) is expected(error)


def test_the_walk_covers_every_class_of_the_server() -> None:
    states = {one.sqlstate for one in error_classes() if getattr(one, "sqlstate", None)}  # type: ignore[attr-defined]
    assert states >= UNAVAILABLE_STATES
    assert len(states) > 200


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53ZZZ", Kind.UNAVAILABLE),
        ("22ZZZ", Kind.NOT_STORABLE),
        ("42ZZZ", Kind.DEFECT),
    ],
)
def test_a_state_that_the_client_does_not_know_has_the_kind_of_its_class(
    state: str, kind: Kind
) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "new in this server"})
    assert postgres.kind_of(error) is kind


def unencodable() -> Exception:
    with pytest.raises(Exception) as caught:
        RunCancelRequested.model_construct(run_id=UUID(int=0), reason="\ud800").to_json()
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.InterfaceError("pool is closing"), Kind.UNAVAILABLE),
        (asyncpg.InterfaceError("connection is closed"), Kind.UNAVAILABLE),
        (asyncpg.InterfaceError("another operation is in progress"), Kind.UNAVAILABLE),
        (asyncpg.InternalClientError("cannot switch to state 12"), Kind.UNAVAILABLE),
        (ConnectionRefusedError(), Kind.UNAVAILABLE),
        (TimeoutError(), Kind.UNAVAILABLE),
        (OSError(28, "No space left on device"), Kind.UNAVAILABLE),
        (MemoryError(), Kind.UNAVAILABLE),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), Kind.NOT_STORABLE),
        (unencodable(), Kind.NOT_STORABLE),
        (ValueError("a bug"), Kind.DEFECT),
        (TypeError("a bug"), Kind.DEFECT),
        (AssertionError(), Kind.DEFECT),
    ],
    ids=repr,
)
def test_other_errors(error: Exception, kind: Kind) -> None:
    assert postgres.kind_of(error) is kind


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (exceptions.DiskFullError("full"), True),
        (exceptions.SerializationError("again"), True),
        (_base.DataError("an argument"), True),
        (ValueError("a bug"), True),
        (asyncpg.InternalClientError("cannot switch to state 12"), False),
        (asyncpg.InterfaceError("another operation is in progress"), False),
        (TimeoutError(), False),
        (ConnectionResetError(), False),
    ],
    ids=repr,
)
def test_a_connection_leaves_the_pool_unless_its_state_is_certain(
    error: Exception, stays: bool
) -> None:
    assert postgres.leaves_connection_in_order(error) is stays


def test_what_a_caller_gets() -> None:
    full = exceptions.DiskFullError('could not extend file "base/1"')
    unavailable = translated(Kind.UNAVAILABLE, postgres.STORE, full)
    assert isinstance(unavailable, RetryableError)
    assert unavailable.message == "Postgres is unavailable"
    assert str(unavailable) == (
        'Postgres is unavailable: DiskFullError: could not extend file "base/1"'
    )
    refused = translated(
        Kind.NOT_STORABLE, postgres.STORE, exceptions.DataError("bad: \x00\nDETAIL: more")
    )
    assert isinstance(refused, NotStorableError)
    assert str(refused) == "Postgres cannot store a value of this: bad: ?"
    assert translated(Kind.DEFECT, postgres.STORE, full) is None

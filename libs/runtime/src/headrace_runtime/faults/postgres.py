"""The kind of each error of Postgres, by its SQLSTATE, or by its class if the client raised it.

Source: PostgreSQL, appendix A, "PostgreSQL Error Codes"; `errcode_for_file_access` in its sources;
`asyncpg.exceptions`.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
from asyncpg.exceptions import _base
from pydantic_core import PydanticSerializationError

from headrace_runtime.faults.kinds import Kind

STORE = "Postgres"

_CLASSES: Mapping[str, Kind] = {
    "08": Kind.UNAVAILABLE,  # the connection
    "22": Kind.NOT_STORABLE,  # the data: out of range, not in the encoding, not of the type
    "28": Kind.UNAVAILABLE,  # refused at the connection: a role that is not set up yet
    "40": Kind.UNAVAILABLE,  # serialization failures and deadlocks
    "53": Kind.UNAVAILABLE,  # disk full, out of memory, too many connections
    "54": Kind.NOT_STORABLE,  # limits: a row or an index entry too large, JSON nested too deeply
    "57": Kind.UNAVAILABLE,  # shutdown, recovery, and time limits
    "58": Kind.UNAVAILABLE,  # errors of the operating system
}
"""By the first two characters. All other classes are defects: 23 (constraints), 42 (syntax and
names), XX (internal errors) and so on."""
_STATES: Mapping[str, Kind] = {
    "25006": Kind.UNAVAILABLE,  # read only: a standby, or the operator made it so
    "25P03": Kind.UNAVAILABLE,  # a time limit, while this process or the machine was suspended
    "25P04": Kind.UNAVAILABLE,  # a time limit
    "3D000": Kind.UNAVAILABLE,  # the database is not set up yet
    "40002": Kind.DEFECT,  # a constraint
    "42501": Kind.UNAVAILABLE,  # also a file system that has become read-only, or a role without
    # its rights: never the fault of a message
    "55006": Kind.UNAVAILABLE,  # in use
    "55P03": Kind.UNAVAILABLE,  # a lock is not available
    "72000": Kind.UNAVAILABLE,  # the snapshot is too old
    "XX001": Kind.UNAVAILABLE,  # a damaged file
    "XX002": Kind.UNAVAILABLE,  # a damaged index
}
_CLIENT: Mapping[type[BaseException], Kind] = {
    # of asyncpg
    asyncpg.InterfaceError: Kind.UNAVAILABLE,  # closed, closing, or in the middle of something
    asyncpg.InternalClientError: Kind.UNAVAILABLE,  # the client lost track of the connection
    asyncpg.InvalidCachedStatementError: Kind.UNAVAILABLE,  # a migration has changed the table
    asyncpg.FatalPostgresError: Kind.UNAVAILABLE,  # ends the connection, without a known state
    # The client cannot encode an argument. `asyncpg.DataError` is another class, the server's.
    _base.DataError: Kind.NOT_STORABLE,
    _base.ClientConfigurationError: Kind.DEFECT,
    _base.UnsupportedClientFeatureError: Kind.DEFECT,
    _base.UnsupportedServerFeatureError: Kind.DEFECT,
    # of Python
    OSError: Kind.UNAVAILABLE,  # with TimeoutError
    MemoryError: Kind.UNAVAILABLE,
    UnicodeEncodeError: Kind.NOT_STORABLE,  # half of a surrogate pair
    PydanticSerializationError: Kind.NOT_STORABLE,  # the same, in a message
}
"""By class, where there is no SQLSTATE, or the class says more."""


def kind_of(error: BaseException) -> Kind:
    """The kind of an error that came up while a connection was used."""
    found = next((_CLIENT[one] for one in type(error).__mro__ if one in _CLIENT), None)
    state = getattr(error, "sqlstate", None)
    if not isinstance(error, asyncpg.PostgresError) or not state:
        return found or Kind.DEFECT
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Kind.UNAVAILABLE
    return _STATES.get(state) or _CLASSES.get(state[:2]) or Kind.DEFECT


def leaves_connection_in_order(error: BaseException) -> bool:
    """Whether the connection can be used again. After an error that the server reports, client and
    server agree on the state of the connection; after any other fault they may not."""
    return isinstance(error, asyncpg.PostgresError) or kind_of(error) is not Kind.UNAVAILABLE

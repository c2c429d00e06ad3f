"""Plain SQL migrations: each file is applied once, in the order of the file names.

An applied file must not change: its digest is stored and compared. The previous version of a
service must run on the new schema, so that replicas can be replaced one by one.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

import asyncpg

from headrace_runtime.errors import FatalError
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_runtime.pg", "migrate.sql")
_LONGEST_SECONDS = 900.0
"""Filling a new column of a large table takes minutes. A migration that hangs is ended by the
`statement_timeout` of its own file."""


async def migrate(connection: asyncpg.Connection, *packages: str) -> list[str]:
    """Apply the `migrations` folders of `packages` to the connection's schema, in one transaction.

    Returns the names of the files applied by this call. Concurrent callers wait for each other.

    Raises:
        FatalError: a file has changed since it was applied.
    """
    applied: list[str] = []
    async with connection.transaction():
        await connection.execute(_QUERIES["lock_schema"])
        await connection.execute(_QUERIES["create_migration_table"])
        known = {row["name"]: row["digest"] for row in await connection.fetch(_QUERIES["applied"])}
        for package in packages:
            for name, sql in _migrations(package):
                digest = sha256(sql.encode()).hexdigest()
                if name not in known:
                    await connection.execute(sql, timeout=_LONGEST_SECONDS)
                    await connection.execute(_QUERIES["record"], name, digest)
                    applied.append(name)
                elif known[name] != digest:
                    raise FatalError(
                        f"migration {name} has changed since it was applied; restore the file and "
                        f"add a new migration"
                    )
    return applied


def _migrations(package: str) -> list[tuple[str, str]]:
    folder = files(package).joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(f"{package}/{name}", folder.joinpath(name).read_text()) for name in names]

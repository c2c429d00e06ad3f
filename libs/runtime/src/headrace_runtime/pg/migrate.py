"""Plain SQL migrations: each file once, in the order of its name, in a transaction of its own.

A file that was applied must not change; its digest is kept and compared. Old code has to run on
the new schema, so that services can be replaced one by one.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

import asyncpg

from headrace_runtime.errors import FatalError
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_runtime.pg", "migrate.sql")
_LONGEST_SECONDS = 900.0
"""Filling a new column of a large table takes minutes. The file's own `statement_timeout` is what
ends a migration that hangs."""


async def migrate(connection: asyncpg.Connection, *packages: str) -> list[str]:
    """Bring the connection's schema up to date from the `migrations` folders of `packages`.

    Returns the names that were applied now. Concurrent callers wait for each other.

    Raises:
        FatalError: a migration that was applied before has changed since.
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
                    raise FatalError(f"migration {name} was changed after it had been applied")
    return applied


def _migrations(package: str) -> list[tuple[str, str]]:
    folder = files(package).joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(f"{package}/{name}", folder.joinpath(name).read_text()) for name in names]

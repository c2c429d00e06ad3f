"""Real servers for the session, and for each test a bus and a database of its own service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, open_database

from tests.support.servers import Servers

SERVICE = "scheduler"


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers by demand."""
    made = Servers()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
async def bus(servers: Servers) -> AsyncIterator[Bus]:
    """A connection to an emptied bus."""
    servers.start("nats")
    closed: list[str] = []
    # A service may neither empty a stream nor publish what only others do.
    made = Bus("operator", closed.append)
    await made.connect(servers.nats_url("operator"))
    for stream in await made.js.streams_info():
        assert stream.config.name is not None
        await made.js.delete_stream(stream.config.name)
    await provision_streams(made.js)
    yield made
    await made.close()
    assert closed == []


@pytest.fixture
async def objects(servers: Servers) -> AsyncIterator[ObjectStore]:
    """The object store."""
    servers.start("s3")
    async with ObjectStore(servers.object_settings()) as made:
        yield made


@pytest.fixture
async def clean_schema(servers: Servers) -> str:
    """The service's schema, empty; returns the DSN."""
    servers.start("postgres")
    dsn = servers.dsn(SERVICE)
    connection = await asyncpg.connect(dsn)
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1", SERVICE
    )
    for row in tables:
        await connection.execute(f'DROP TABLE {SERVICE}."{row["tablename"]}" CASCADE')
    await connection.close()
    return dsn


@pytest.fixture
async def database(bus: Bus, clean_schema: str) -> AsyncIterator[Database]:
    """A database that publishes to the bus; without an object store."""
    async with open_database(
        clean_schema, SERVICE, Publisher(bus, None), pool_size=4, packages=()
    ) as made:
        yield made

"""Real Postgres, NATS and S3 for executors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.pg.database import Database, open_database

from tests.support.backends import MemoryCluster
from tests.support.executors import View
from tests.support.launches import serving
from tests.support.servers import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers, started on demand."""
    made = Servers()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
async def bus(servers: Servers) -> AsyncIterator[Bus]:
    """An emptied bus, with all rights."""
    servers.start("nats")
    closed: list[str] = []
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
async def dsn(servers: Servers) -> str:
    """The executor's schema, empty."""
    servers.start("postgres")
    address = servers.dsn("executor")
    connection = await asyncpg.connect(address)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'executor'")
    for row in tables:
        await connection.execute(f'DROP TABLE executor."{row["tablename"]}" CASCADE')
    await connection.close()
    return address


@pytest.fixture
async def database(bus: Bus, dsn: str) -> AsyncIterator[Database]:
    """The executor's database, migrated."""
    publisher = Publisher(bus, None)
    packages = ("headrace_executor",)
    async with open_database(dsn, "executor", publisher, pool_size=8, packages=packages) as made:
        yield made


@pytest.fixture
async def view(dsn: str, database: Database) -> AsyncIterator[View]:
    """What is committed."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "executor"})
    yield View(connection)
    await connection.close()


@pytest.fixture
async def cluster() -> AsyncIterator[MemoryCluster]:
    """A cluster in memory, with room for four launches."""
    with serving() as objects:
        made = MemoryCluster(objects, room=4)
        yield made
        for pod in made.pods.values():
            pod.kill()

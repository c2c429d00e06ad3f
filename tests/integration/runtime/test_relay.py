"""The relay on a real bus and Postgres: what readers have not handled is published again when the
bus has lost it, and leaves the outbox when they have."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from headrace_contracts.messages.events import RunCancelRequested
from headrace_contracts.messages.subjects import (
    EVENT_READERS,
    EVENTS,
    RECORDER_EVENTS,
    SCHEDULER_EVENTS,
    Subscription,
)
from headrace_runtime import relay as relay_module
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import provision_consumer, provision_streams
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.relay import Relay
from nats.js.errors import NotFoundError

from tests.support.servers import Servers
from tests.support.waiting import HANG_SECONDS


@pytest.fixture(autouse=True)
def sweeping_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps include the newest messages."""
    monkeypatch.setattr(relay_module, "_SWEEP_OLDER_THAN_SECONDS", 0.0)


@pytest.fixture
async def relay(bus: Bus, database: Database) -> Relay:
    """The relay of a service that publishes events; their readers have consumers."""
    await provision(bus)
    made = Relay(bus, database, EVENT_READERS)
    await made.compare()
    return made


async def provision(bus: Bus) -> None:
    await provision_streams(bus.js)
    for reader in EVENT_READERS:
        await provision_consumer(bus.js, reader)


async def publish(database: Database, count: int) -> list[str]:
    """Commit and publish events, in one transaction; returns their ids."""
    ids = [uuid4() for _ in range(count)]

    async def work(unit: Unit) -> None:
        for identity in ids:
            unit.publish(RunCancelRequested(run_id=uuid4(), reason=""), identity)

    await database.transact(work)
    await database.mark_published()
    return [str(one) for one in ids]


async def read(bus: Bus, reader: Subscription, count: int) -> list[str]:
    """Read and acknowledge `count` messages; returns their ids. A slow test gets some of them
    twice, before it has acknowledged them."""
    found: dict[int, str] = {}
    durable = await bus.js.pull_subscribe_bind(reader.durable, reader.stream)
    while len(found) < count:
        for message in await durable.fetch(min(100, count - len(found)), timeout=HANG_SECONDS):
            found[message.metadata.sequence.stream] = (message.headers or {})["ce-id"]
            await message.ack()
        await bus.client.flush()
    await durable.unsubscribe()
    return list(found.values())


async def kept(database: Database) -> list[str]:
    """The ids in the outbox."""
    async with database.read() as connection:
        rows = await connection.fetch("SELECT event_id FROM outbox ORDER BY id")
    return [str(row["event_id"]) for row in rows]


async def kept_later(relay: Relay, database: Database, count: int) -> list[str]:
    """The ids in the outbox when `count` are left: acknowledgements take effect some time later."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            await relay.compare()
            found = await kept(database)
            if len(found) <= count:
                return found
            await asyncio.sleep(0.05)


async def stored(bus: Bus) -> int:
    return int((await bus.js.stream_info(EVENTS)).state.messages)


async def pending(bus: Bus, reader: Subscription) -> int:
    return int((await bus.js.consumer_info(EVENTS, reader.durable)).num_pending)


async def heal(relay: Relay) -> None:
    """What the loop of the relay does."""
    await relay.compare()
    await relay.sweep()


@asynccontextmanager
async def restarting(bus: Bus, servers: Servers) -> AsyncIterator[Path]:
    """Kill the server, and start it again afterwards; gives its folder."""
    back = asyncio.Event()
    bus.when_reconnected(back.set)
    servers.kill("nats")
    yield servers.data.path / "nats" / "js"
    servers.start("nats")
    async with asyncio.timeout(HANG_SECONDS):
        await back.wait()


async def folder_deleted(bus: Bus, servers: Servers, backup: Path) -> None:
    async with restarting(bus, servers) as folder:
        shutil.rmtree(folder)
    await provision(bus)


async def folder_restored(bus: Bus, servers: Servers, backup: Path) -> None:
    async with restarting(bus, servers) as folder:
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)


async def folder_restored_and_others_published(bus: Bus, servers: Servers, backup: Path) -> None:
    """The stream is as long as before, with other messages."""
    await folder_restored(bus, servers, backup)
    for number in range(10):
        await bus.js.publish("evt.run.p00.x.deleted", b"{}", headers={"ce-id": f"other-{number}"})


async def stream_deleted(bus: Bus, servers: Servers, backup: Path) -> None:
    await bus.js.delete_stream(EVENTS)
    await provision(bus)


async def consumer_deleted(bus: Bus, servers: Servers, backup: Path) -> None:
    await bus.js.delete_consumer(EVENTS, SCHEDULER_EVENTS.durable)
    await provision(bus)


Loss = Callable[[Bus, Servers, Path], Awaitable[None]]


@pytest.mark.parametrize(
    "loss",
    [
        folder_deleted,
        folder_restored,
        folder_restored_and_others_published,
        stream_deleted,
        consumer_deleted,
    ],
    ids=lambda loss: loss.__name__,
)
async def test_what_a_reader_has_not_handled_is_published_again(
    loss: Loss, bus: Bus, database: Database, relay: Relay, servers: Servers, tmp_path: Path
) -> None:
    before = await publish(database, 2)
    backup = tmp_path / "backup"
    for reader in (SCHEDULER_EVENTS, RECORDER_EVENTS):
        assert await read(bus, reader, 2) == before
    assert await kept_later(relay, database, 0) == []
    unfinished = shutil.ignore_patterns("*.tmp")
    shutil.copytree(servers.data.path / "nats" / "js", backup, ignore=unfinished)
    lost = await publish(database, 5)
    assert await read(bus, RECORDER_EVENTS, 5) == lost
    await loss(bus, servers, backup)
    await heal(relay)
    found: list[str] = []
    while not set(lost) <= set(found):
        found += await read(bus, SCHEDULER_EVENTS, 1)
    assert [one for one in found if one in lost] == lost, "in order, with the same ids"
    await heal(relay)
    assert await kept(database) == lost, "the recorder has the new ones still to read"


async def test_a_restart_of_the_server_doubles_nothing(
    bus: Bus, database: Database, relay: Relay, servers: Servers
) -> None:
    ids = await publish(database, 3)
    async with restarting(bus, servers):
        pass
    await heal(relay)
    assert await stored(bus) == 3
    assert await read(bus, SCHEDULER_EVENTS, 3) == ids
    assert await kept(database) == ids


async def test_a_large_backlog_is_published_again_while_new_work_goes_on(
    bus: Bus, database: Database, relay: Relay, servers: Servers, tmp_path: Path
) -> None:
    lost = await publish(database, 1200)
    await stream_deleted(bus, servers, tmp_path)
    await relay.compare()
    again = asyncio.create_task(relay.sweep())
    new = [(await publish(database, 1))[0] for _ in range(3)]
    await again
    found = await read(bus, SCHEDULER_EVENTS, 1203)
    assert [one for one in found if one not in new] == lost
    assert set(new) < set(found)


async def test_a_message_stays_until_every_reader_has_acknowledged_it(
    bus: Bus, database: Database, relay: Relay
) -> None:
    ids = await publish(database, 3)
    await relay.compare()
    assert await kept(database) == ids
    await read(bus, RECORDER_EVENTS, 3)
    await read(bus, SCHEDULER_EVENTS, 2)
    assert await kept_later(relay, database, 1) == ids[2:]
    assert await stored(bus) == 1, "the bus drops what all have acknowledged, too"
    await read(bus, SCHEDULER_EVENTS, 1)
    assert await kept_later(relay, database, 0) == []
    assert await stored(bus) == 0


async def test_while_a_reader_has_no_consumer_nothing_is_dropped(
    bus: Bus, database: Database
) -> None:
    """Neither by the bus nor from the outbox: the reader may start for the first time."""
    await provision_consumer(bus.js, RECORDER_EVENTS)
    relay = Relay(bus, database, EVENT_READERS)
    await relay.compare()
    ids = await publish(database, 2)
    await read(bus, RECORDER_EVENTS, 2)
    await relay.compare()
    assert (await kept(database), await stored(bus)) == (ids, 2)
    await provision(bus)
    await heal(relay)
    assert set(await read(bus, SCHEDULER_EVENTS, 2)) == set(ids)


async def test_a_full_stream_refuses_and_the_outbox_keeps(
    bus: Bus, database: Database, relay: Relay
) -> None:
    config = (await bus.js.stream_info(EVENTS)).config
    config.max_bytes = 20_000
    await bus.js.update_stream(config)
    ids = await publish(database, 60)
    accepted = await stored(bus)
    assert 0 < accepted < 60
    with pytest.raises(RetryableError, match=r"the stream EVENTS does not take messages"):
        await bus.check(uses_streams=True)
    found: list[str] = []
    async with asyncio.timeout(HANG_SECONDS):
        while len(found) < 60:
            await read(bus, RECORDER_EVENTS, await pending(bus, RECORDER_EVENTS))
            found += await read(bus, SCHEDULER_EVENTS, await pending(bus, SCHEDULER_EVENTS))
            await relay.sweep()
    assert sorted(found) == sorted(ids), "each once"
    await bus.check(uses_streams=True)


async def test_a_lost_stream_is_created_again_by_who_publishes(
    bus: Bus, database: Database, relay: Relay
) -> None:
    ids = await publish(database, 1)
    await bus.js.delete_stream(EVENTS)
    with pytest.raises(NotFoundError):
        await bus.js.stream_info(EVENTS)
    await heal(relay)
    assert await stored(bus) == 1
    assert await kept(database) == ids


async def test_old_ids_of_the_inbox_are_dropped_by_the_time_in_which_messages_arrived(
    database: Database,
) -> None:
    async def admit(unit: Unit) -> None:
        await unit.admit("reader", ["old", "last"])
        await unit.connection.execute(
            "UPDATE inbox SET received_at = now() - CASE message_id WHEN 'old' THEN interval '30 h'"
            " ELSE interval '20 h' END"
        )

    await database.transact(admit)
    await database.purge(keep_hours=15)
    async with database.read() as connection:
        left = await connection.fetch("SELECT message_id FROM inbox")
    assert {row["message_id"] for row in left} == {"old", "last"}, "nothing arrived for 20 hours"
    await database.purge(keep_hours=5)
    async with database.read() as connection:
        left = await connection.fetch("SELECT message_id FROM inbox")
    assert {row["message_id"] for row in left} == {"last"}

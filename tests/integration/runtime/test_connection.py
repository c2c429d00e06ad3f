"""The connection to a server that is frozen, away, or refuses to store messages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from headrace_contracts.messages.events import RunCancelRequested
from headrace_contracts.messages.subjects import EVENT_READERS, SCHEDULER_EVENTS
from headrace_runtime import relay as relay_module
from headrace_runtime.bus import connection
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import provision_consumer, provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.bus.pull import PullQueue
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database, Unit, open_database
from headrace_runtime.relay import Relay

from tests.integration.runtime.test_relay import publish
from tests.support.servers import Servers
from tests.support.waiting import HANG_SECONDS, until_async


@pytest.fixture
def own_servers() -> Iterator[Servers]:
    """Servers of this test alone."""
    made = Servers()
    try:
        yield made
    finally:
        made.remove()


RUN = UUID(int=7)


def signal_nats(servers: Servers, number: signal.Signals) -> None:
    os.kill(servers.pid("nats"), number)


def test_silence_is_noticed_within_five_seconds() -> None:
    """The next ping is due after those that may be unanswered; the kernel gives up unsent data in
    the same time."""
    pings = connection._PING_SECONDS * (connection._UNANSWERED_PINGS + 1)
    assert pings <= 5
    assert connection._UNSENT_MILLISECONDS <= 5000


@pytest.mark.parametrize("count", [1, 400], ids=["idle", "with-unsent-data"])
async def test_a_frozen_server_is_noticed_and_nothing_is_lost_or_doubled(
    count: int, bus: Bus, database: Database, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With unsent data the client library alone waits for the server, for ever."""
    monkeypatch.setattr(relay_module, "_SWEEP_OLDER_THAN_SECONDS", 0.0)
    for reader in EVENT_READERS:
        await provision_consumer(bus.js, reader)
    relay = Relay(bus, database, EVENT_READERS)
    await relay.compare()
    reason = "x" * 100_000

    async def work(unit: Unit) -> None:
        for number in range(count):
            unit.publish(RunCancelRequested(run_id=RUN, reason=f"{number} {reason}"))

    disconnected = asyncio.Event()
    logged = bus.client._disconnected_cb
    assert logged is not None

    async def on_disconnected() -> None:
        disconnected.set()
        await logged()

    monkeypatch.setattr(bus.client, "_disconnected_cb", on_disconnected)
    async with PullQueue(bus, SCHEDULER_EVENTS) as queue:
        reading = asyncio.create_task(queue.next_batch())
        await asyncio.sleep(0)
        signal_nats(servers, signal.SIGSTOP)
        try:
            publishing = asyncio.create_task(database.transact(work))
            async with asyncio.timeout(HANG_SECONDS):
                await disconnected.wait()
                with pytest.raises(RetryableError, match="unavailable: no connection to 127"):
                    await bus.check(uses_streams=True)
                await publishing
        finally:
            signal_nats(servers, signal.SIGCONT)
        await until_async(lambda: bus.client.is_connected)
        found: set[str] = set()
        async with asyncio.timeout(HANG_SECONDS):
            await relay.compare()
            await relay.sweep()
            while len(found) < count:
                for message in await reading:
                    found.add(message.data.decode())
                    await message.ack()
                    queue.release(message)
                reading = asyncio.create_task(queue.next_batch())
        reading.cancel()
    assert len(found) == count
    assert (await bus.js.stream_info("EVENTS")).state.last_seq == count, "none is stored twice"


@pytest.fixture
def small_disk(own_servers: Servers) -> Iterator[Path]:
    """A file system of 24 MiB for the state of the bus."""
    folder = own_servers.data.path / "nats"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small file system")
    try:
        yield folder
    finally:
        own_servers.kill("nats")
        subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))


async def test_a_bus_without_disk_space_is_unavailable_and_all_recovers(
    small_disk: Path, own_servers: Servers, clean_schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_SWEEP_OLDER_THAN_SECONDS", 0.0)
    own_servers.start("nats")
    bus = Bus("operator", lambda _: None)
    await bus.connect(own_servers.nats_url("operator"))
    await provision_streams(bus.js)
    for reader in EVENT_READERS:
        await provision_consumer(bus.js, reader)
    async with open_database(
        clean_schema, "scheduler", Publisher(bus, None), pool_size=4, packages=()
    ) as database:
        relay = Relay(bus, database, EVENT_READERS)
        await relay.compare()
        filler = small_disk / "filler"
        fill(filler)
        ids: list[str] = []
        async with asyncio.timeout(HANG_SECONDS):
            while bus.refusal is None:
                ids += await publish(database, 50)
        with pytest.raises(RetryableError, match="the bus is unavailable: "):
            await bus.check(uses_streams=True)
        filler.unlink()
        back = asyncio.Event()
        bus.when_reconnected(back.set)
        own_servers.kill("nats")  # it does not write again before; its supervisor restarts it
        own_servers.start("nats")
        async with asyncio.timeout(HANG_SECONDS):
            await back.wait()
        await relay.compare()
        await relay.sweep()
        await bus.check(uses_streams=True)
        found: set[str] = set()
        async with asyncio.timeout(HANG_SECONDS), PullQueue(bus, SCHEDULER_EVENTS) as queue:
            while len(found) < len(ids):
                for message in await queue.next_batch():
                    found.add((message.headers or {})["ce-id"])
                    await message.ack()
                    queue.release(message)
        assert found == set(ids)
    await bus.close()


async def test_a_service_that_waits_for_the_bus_says_so_and_can_be_stopped() -> None:
    """Nothing listens on the address."""
    program = (
        "from headrace_runtime.service import open_service, run_service\n"
        "from headrace_runtime.settings import ServiceSettings\n"
        "async def serve(settings):\n"
        "    async with open_service('waiting', settings):\n"
        "        raise AssertionError('it is connected')\n"
        "run_service(ServiceSettings, serve)\n"
    )
    settings = {"NATS_URL": "nats://user:secret@127.0.0.1:1", "HTTP_PORT": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(HANG_SECONDS):
        line = await process.stdout.readline()
        assert b'"waiting_for_bus"' in line
        assert b'"127.0.0.1:1"' in line
        assert b"secret" not in line
        process.terminate()
        assert await process.wait() == 0

"""What each service's credentials are good for, at the real servers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import nats
import pytest
from headrace_contracts import subjects
from headrace_contracts.bus_rights import inbox
from headrace_runtime.bus.provision import provision_consumer, provision_streams
from headrace_runtime.objects import ObjectStore
from headrace_runtime.settings import ObjectStoreSettings
from nats.aio.client import Client

from tests.support.servers import Servers

RUN = uuid.UUID("0193a4c2-0000-7000-8000-000000000001")


@asynccontextmanager
async def connected(servers: Servers, user: str) -> AsyncIterator[tuple[Client, list[str]]]:
    """A connection, and what the server has complained of."""
    servers.start("nats")
    complaints: list[str] = []

    async def heard(error: Exception) -> None:
        complaints.append(str(error))

    prefix = inbox(user) if user not in ("program", "operator") else "_INBOX"
    bus = await nats.connect(servers.nats_url(user), error_cb=heard, inbox_prefix=prefix)
    try:
        yield bus, complaints
    finally:
        await bus.close()


async def count(servers: Servers, stream: str) -> int:
    async with connected(servers, "operator") as (bus, _):
        return (await bus.jetstream().stream_info(stream)).state.messages


async def settle(bus: Client, complaints: list[str]) -> None:
    await bus.flush()
    for _ in range(20):
        if complaints:
            return
        await asyncio.sleep(0.02)


READS = {
    "api": subjects.API_SUBMISSIONS,
    "scheduler": subjects.SCHEDULER_EVENTS,
    "executor": subjects.executor_commands("local"),
    "recorder": subjects.RECORDER_EVENTS,
}
WRITES = {
    "api": subjects.run_event(RUN, "submitted"),
    "scheduler": subjects.attempt_command("local", RUN, "launch"),
    "executor": subjects.attempt_event(RUN, "succeeded"),
}


@pytest.mark.parametrize("service", ["api", "scheduler", "executor", "recorder", "ui_gateway"])
async def test_a_service_can_do_its_work(servers: Servers, service: str) -> None:
    async with connected(servers, service) as (bus, complaints):
        js = bus.jetstream()
        await provision_streams(js)
        await js.publish(subjects.dead_letter(service), b"x")
        if service in WRITES:
            await js.publish(WRITES[service], b"{}")
        if service in READS:
            await provision_consumer(js, READS[service])
            box = await bus.subscribe(bus.new_inbox())
            place = f"{READS[service].stream}.{READS[service].durable}"
            request = b'{"batch": 1, "no_wait": true}'
            await bus.publish(f"$JS.API.CONSUMER.MSG.NEXT.{place}", request, box.subject)
            message = await box.next_msg(5)
            if message.reply:  # else there is none
                await message.ack_sync()
        await settle(bus, complaints)
        assert complaints == []


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("program", subjects.run_event(RUN, "submitted")),
        ("program", subjects.attempt_command("local", RUN, "launch")),
        ("program", subjects.attempt_event(RUN, "succeeded")),
        ("program", subjects.live_run(RUN)),
        ("program", "$JS.API.STREAM.DELETE.EVENTS"),
        ("program", "$JS.API.STREAM.MSG.GET.COMMANDS"),
        ("program", "$JS.API.CONSUMER.CREATE.COMMANDS"),
        ("program", "$JS.API.CONSUMER.DELETE.EVENTS.scheduler-events"),
        ("program", "_INBOX.api.x"),
        ("ui_gateway", subjects.SUBMIT_RUN),
        ("ui_gateway", subjects.run_event(RUN, "deleted")),
        ("recorder", subjects.run_event(RUN, "succeeded")),
        ("executor", subjects.attempt_command("local", RUN, "launch")),
        ("executor", subjects.run_event(RUN, "succeeded")),
        ("executor", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.scheduler-events"),
        ("scheduler", subjects.attempt_event(RUN, "succeeded")),
        ("scheduler", "$JS.ACK.EVENTS.recorder-events.1.1.1.1.1"),
        ("api", subjects.attempt_command("local", RUN, "launch")),
        ("api", "$JS.API.STREAM.PURGE.EVENTS"),
        ("api", "$JS.API.STREAM.DELETE.EVENTS"),
        ("api", subjects.dead_letter("scheduler")),
    ],
)
async def test_a_forbidden_publication_is_refused(
    servers: Servers, user: str, subject: str
) -> None:
    async with connected(servers, "operator") as (bus, _):
        await provision_streams(bus.jetstream())
    before = [await count(servers, stream.name) for stream in subjects.STREAMS]
    async with connected(servers, user) as (bus, complaints):
        await bus.publish(subject, b"{}")
        await settle(bus, complaints)
        assert len(complaints) == 1
        assert "permissions violation" in complaints[0].lower()
        assert bus.is_connected
    assert [await count(servers, stream.name) for stream in subjects.STREAMS] == before


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("program", "cmd.>"),
        ("program", "dlq.>"),
        ("program", "live.run.*"),
        ("program", ">"),
        ("program", "_INBOX.api.>"),
        ("ui_gateway", "evt.>"),
        ("recorder", "evt.>"),
        ("executor", "_INBOX.api.>"),
    ],
)
async def test_a_forbidden_subscription_is_refused(
    servers: Servers, user: str, subject: str
) -> None:
    async with connected(servers, user) as (bus, complaints):
        await bus.subscribe(subject)
        await settle(bus, complaints)
        assert "permissions violation" in complaints[0].lower()


async def test_a_program_submits_and_hears_events_but_no_services_answers(
    servers: Servers,
) -> None:
    async with (
        connected(servers, "program") as (bus, complaints),
        connected(servers, "api") as (api, _),
        connected(servers, "operator") as (operator, _),
    ):
        await provision_streams(api.jetstream())
        events = await bus.subscribe("evt.submission.mine.*")
        answers = await bus.subscribe("_INBOX.>")
        await bus.flush()
        await bus.jetstream().publish(subjects.SUBMIT_RUN, b"{}")
        await api.jetstream().publish(subjects.submission_event("mine", "accepted"), b"yes")
        assert (await events.next_msg(5)).data == b"yes"
        await operator.publish("_INBOX.api.secret", b"secret")
        await operator.publish("_INBOX.public", b"public")
        heard = []
        while b"public" not in heard:
            heard.append((await answers.next_msg(5)).data)
        assert b"secret" not in heard
        assert complaints == []


SERVICES = ("api", "scheduler", "executor", "recorder", "ui_gateway")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_services_role_reaches_no_other_schema(servers: Servers, service: str) -> None:
    servers.start("postgres")
    for other in SERVICES:
        owner = await asyncpg.connect(servers.dsn(other))
        await owner.execute(f"CREATE TABLE IF NOT EXISTS {other}.secret AS SELECT 1 AS x")
        await owner.close()
    connection = await asyncpg.connect(servers.dsn(service))
    try:
        assert await connection.fetchval(f"SELECT x FROM {service}.secret") == 1
        forbidden = ["CREATE TABLE public.x ()", "CREATE SCHEMA x", "SELECT * FROM pg_authid"]
        for other in set(SERVICES) - {service}:
            forbidden += [
                f"SELECT * FROM {other}.secret",
                f"INSERT INTO {other}.secret VALUES (2)",
                f"DROP TABLE {other}.secret",
                f"CREATE TABLE {other}.x ()",
                f"SET ROLE {other}",
            ]
        for statement in forbidden:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_gateways_key_reads_the_bucket_and_writes_nothing(servers: Servers) -> None:
    from botocore.exceptions import ClientError

    servers.start("s3")
    async with ObjectStore(servers.object_settings("api")) as api:
        await api.put("rights/x", b"x")
    async with ObjectStore(servers.object_settings("ui_gateway")) as gateway:
        assert await gateway.get("rights/x") == b"x"
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            await gateway.put("rights/y", b"y")
    wrong = servers.object_settings("api").model_dump() | {"objects_bucket": "another"}
    async with ObjectStore(ObjectStoreSettings(**wrong)) as elsewhere:
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            await elsewhere.put("x", b"x")

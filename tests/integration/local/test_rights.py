"""What each service's credentials permit on the real servers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import nats
import pytest
from headrace_contracts.messages import subjects
from headrace_contracts.messages.bus_rights import inbox
from headrace_local import setup
from headrace_local.data import STATEFUL_SERVICES
from headrace_runtime.bus.provision import provision_consumer, provision_streams
from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectMissingError, ObjectStore
from headrace_runtime.settings import ObjectStoreSettings
from nats.aio.client import Client

from tests.support.servers import Servers

RUN = uuid.UUID("0193a4c2-0000-7000-8000-000000000001")


@asynccontextmanager
async def connected(servers: Servers, user: str) -> AsyncIterator[tuple[Client, list[str]]]:
    """A connection, and the errors that the server reports on it."""
    servers.start("nats")
    errors: list[str] = []

    async def on_error(error: Exception) -> None:
        errors.append(str(error))

    prefix = inbox(user) if user not in ("program", "operator") else "_INBOX"
    bus = await nats.connect(servers.nats_url(user), error_cb=on_error, inbox_prefix=prefix)
    try:
        yield bus, errors
    finally:
        await bus.close()


async def count(servers: Servers, stream: str) -> int:
    async with connected(servers, "operator") as (bus, _):
        return (await bus.jetstream().stream_info(stream)).state.messages


async def errors_reported(bus: Client, errors: list[str]) -> None:
    await bus.flush()
    for _ in range(20):
        if errors:
            return
        await asyncio.sleep(0.02)


CONSUMED = {
    "api": subjects.API_SUBMISSIONS,
    "scheduler": subjects.SCHEDULER_EVENTS,
    "executor": subjects.executor_commands("local"),
    "recorder": subjects.RECORDER_EVENTS,
}
PUBLISHED = {
    "api": subjects.run_event(RUN, "submitted"),
    "scheduler": subjects.attempt_command("local", RUN, "launch"),
    "executor": subjects.attempt_event(RUN, "succeeded"),
}


@pytest.mark.parametrize("service", STATEFUL_SERVICES)
async def test_a_service_can_provision_publish_and_consume(servers: Servers, service: str) -> None:
    async with connected(servers, service) as (bus, errors):
        js = bus.jetstream()
        await provision_streams(js)
        await js.publish(subjects.dead_letter(service), b"x")
        if service in PUBLISHED:
            await js.publish(PUBLISHED[service], b"{}")
        subscription = CONSUMED[service]
        await provision_consumer(js, subscription)
        replies = await bus.subscribe(bus.new_inbox())
        consumer = f"{subscription.stream}.{subscription.durable}"
        request = b'{"batch": 1, "no_wait": true}'
        await bus.publish(f"$JS.API.CONSUMER.MSG.NEXT.{consumer}", request, replies.subject)
        message = await replies.next_msg(5)
        if message.reply:  # a status message, such as "no messages", has none
            await message.ack_sync()
        await errors_reported(bus, errors)
        assert errors == []


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
        ("ui_gateway", subjects.live_run(RUN)),
        ("ui_gateway", subjects.dead_letter("ui_gateway")),
        ("ui_gateway", "$JS.API.STREAM.INFO.EVENTS"),
        ("ui_gateway", "$JS.API.STREAM.CREATE.EVENTS"),
        ("ui_gateway", "$JS.API.CONSUMER.CREATE.EVENTS"),
        ("ui_gateway", "anything"),
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
    async with connected(servers, user) as (bus, errors):
        await bus.publish(subject, b"{}")
        await errors_reported(bus, errors)
        assert len(errors) == 1
        assert "permissions violation" in errors[0].lower()
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
        ("ui_gateway", "dlq.>"),
        ("ui_gateway", "_INBOX.ui_gateway.>"),
        ("ui_gateway", ">"),
        ("recorder", "evt.>"),
        ("executor", "_INBOX.api.>"),
    ],
)
async def test_a_forbidden_subscription_is_refused(
    servers: Servers, user: str, subject: str
) -> None:
    async with connected(servers, user) as (bus, errors):
        await bus.subscribe(subject)
        await errors_reported(bus, errors)
        assert "permissions violation" in errors[0].lower()


async def test_a_program_submits_and_receives_events_but_no_replies_to_services(
    servers: Servers,
) -> None:
    async with (
        connected(servers, "program") as (bus, errors),
        connected(servers, "api") as (api, _),
        connected(servers, "operator") as (operator, _),
    ):
        await provision_streams(api.jetstream())
        events = await bus.subscribe("evt.submission.mine.*")
        replies = await bus.subscribe("_INBOX.>")
        await bus.flush()
        await bus.jetstream().publish(subjects.SUBMIT_RUN, b"{}")
        await api.jetstream().publish(subjects.submission_event("mine", "accepted"), b"yes")
        assert (await events.next_msg(5)).data == b"yes"
        await operator.publish("_INBOX.api.secret", b"secret")
        await operator.publish("_INBOX.public", b"public")
        received = []
        while b"public" not in received:
            received.append((await replies.next_msg(5)).data)
        assert b"secret" not in received
        assert errors == []


async def test_the_gateway_receives_live_updates(servers: Servers) -> None:
    async with (
        connected(servers, "ui_gateway") as (bus, errors),
        connected(servers, "recorder") as (recorder, _),
    ):
        updates = await bus.subscribe(subjects.live_run("*"))
        for _ in range(2):  # the client sends the first flush ahead of the subscription
            await bus.flush()
        await recorder.publish(subjects.live_run(RUN), b"1")
        assert (await updates.next_msg(5)).data == b"1"
        assert errors == []


@pytest.mark.parametrize("service", STATEFUL_SERVICES)
async def test_the_role_of_a_service_reaches_no_other_schema(
    servers: Servers, service: str
) -> None:
    servers.start("postgres")
    for other in STATEFUL_SERVICES:
        owner = await asyncpg.connect(servers.dsn(other))
        await owner.execute(f"CREATE TABLE IF NOT EXISTS {other}.secret AS SELECT 1 AS x")
        await owner.close()
    connection = await asyncpg.connect(servers.dsn(service))
    try:
        assert await connection.fetchval(f"SELECT x FROM {service}.secret") == 1
        forbidden = ["CREATE TABLE public.x ()", "CREATE SCHEMA x", "SELECT * FROM pg_authid"]
        for other in set(STATEFUL_SERVICES) - {service}:
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


async def test_the_gateway_has_no_role_in_postgres(servers: Servers) -> None:
    servers.start("postgres")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.dsn("ui_gateway"))


async def test_the_gateways_role_of_an_earlier_version_is_dropped(servers: Servers) -> None:
    """A data folder that such a version made still starts, any number of times."""
    servers.start("postgres")
    operator = await asyncpg.connect(servers.dsn("postgres"))
    try:
        await operator.execute("""
            CREATE ROLE ui_gateway LOGIN;
            GRANT CONNECT ON DATABASE headrace TO ui_gateway;
            CREATE SCHEMA ui_gateway AUTHORIZATION ui_gateway;
            GRANT USAGE ON SCHEMA extensions TO ui_gateway;
            SET ROLE ui_gateway;
            CREATE TABLE ui_gateway.outbox (id bigint PRIMARY KEY);
            RESET ROLE;
        """)
        for _ in range(2):
            setup.create_roles(servers.data, servers.ports["postgres"], servers.secrets)
        left = await operator.fetch("""
            SELECT rolname FROM pg_roles WHERE rolname = 'ui_gateway'
            UNION SELECT nspname FROM pg_namespace WHERE nspname = 'ui_gateway'
        """)
        assert left == []
    finally:
        await operator.close()


@pytest.mark.parametrize(
    ("service", "writable", "forbidden"),
    [
        ("api", ("specs/x", "messages/x"), ("runs/team/x", "other/x")),
        ("scheduler", ("messages/x",), ("specs/x", "runs/team/x")),
    ],
)
async def test_a_services_key_writes_under_its_own_prefixes(
    servers: Servers, service: str, writable: tuple[str, ...], forbidden: tuple[str, ...]
) -> None:
    servers.start("s3")
    async with ObjectStore(servers.object_settings(service)) as objects:
        for key in writable:
            await objects.put(key, service.encode())
            assert await objects.get(key) == service.encode()
        for key in forbidden:
            with pytest.raises(RetryableError, match=r"AccessDenied|Forbidden"):
                await objects.put(key, b"x")
        (error,) = (await objects.delete_many(["runs/team/x"])).values()
        assert "AccessDenied" in error


@pytest.mark.parametrize("service", STATEFUL_SERVICES)
async def test_a_services_key_finds_a_missing_object_missing(
    servers: Servers, service: str
) -> None:
    servers.start("s3")
    async with ObjectStore(servers.object_settings(service)) as objects:
        with pytest.raises(ObjectMissingError):
            await objects.get("specs/none.json")
        assert not await objects.has("specs/none.json")


@pytest.mark.parametrize("service", STATEFUL_SERVICES)
async def test_a_services_key_reaches_no_other_bucket(servers: Servers, service: str) -> None:
    servers.start("s3")
    wrong = servers.object_settings(service).model_dump() | {"objects_bucket": "another"}
    async with ObjectStore(ObjectStoreSettings(**wrong)) as elsewhere:
        with pytest.raises(RetryableError, match=r"AccessDenied|Forbidden"):
            await elsewhere.put("messages/x", b"x")


async def test_the_gateway_has_no_key_for_the_object_store(servers: Servers) -> None:
    servers.start("s3")
    async with ObjectStore(servers.object_settings("ui_gateway")) as gateway:
        with pytest.raises(RetryableError, match=r"InvalidAccessKeyId|AccessDenied|Forbidden"):
            await gateway.get("specs/x")

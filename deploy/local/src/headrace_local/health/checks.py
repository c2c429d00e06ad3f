"""What a child has to show to be healthy: a check of what matters for each program.

A server has to accept a connection and to store something; a service says by itself whether it is
ready. A check takes a few seconds at most, and raises nothing.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from importlib.resources import files

import asyncpg
import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import StorageType, StreamConfig

from headrace_local import processes, setup
from headrace_local.data import SERVICES, Data
from headrace_local.health.rules import HEALTHY, Observation, Verdict
from headrace_local.health.s3_urls import presigned
from headrace_local.programs import HEALTH_USER, Program

_ANSWER_SECONDS = 5.0
_STORE_SECONDS = 15.0
"""A starting SeaweedFS holds a request back until its volume has reported, which takes 6 s at
times."""
_STORE_EVERY_SECONDS = {"nats": 15.0, "postgres": 15.0, "s3": 30.0}
"""How often a healthy server has to store something: a connection to NATS or Postgres costs 10 ms
of a core, and each object makes the object store larger until it is compacted."""
_OBJECT = "health/supervisor"
_STREAM = "HEALTH"
_STREAM_BYTES = 1024 * 1024
_COMMIT = files("headrace_local.health").joinpath("commit.sql").read_text()


class Checks:
    """The checks of one deployment."""

    def __init__(self, data: Data, ports: dict[str, int], secrets: dict[str, str]) -> None:
        self._data = data
        self._ports = ports
        self._secrets = secrets
        self._stored: dict[str, tuple[int, float]] = {}
        """When the process of a server has last stored something."""

    async def observe(self, program: Program, pid: int) -> Observation:
        """Check the process `pid` of a program."""
        stopped = processes.stopped_process(pid, program.owns_descendants)
        if stopped is not None:
            return Observation(Verdict.SILENT, f"process {stopped} is stopped by a signal")
        if program.name in SERVICES:
            return await self._service(program.name)
        return await self._server(program.name, pid)

    async def _server(self, name: str, pid: int) -> Observation:
        answers, stores = {
            "nats": (self._nats_answers, self._nats_stores),
            "postgres": (self._postgres_answers, self._postgres_stores),
            "s3": (self._s3_answers, self._s3_stores),
        }[name]
        stored_by, stored_at = self._stored.get(name, (0, 0.0))
        is_store_due = (
            stored_by != pid or time.monotonic() - stored_at >= _STORE_EVERY_SECONDS[name]
        )
        seen = await answers(pid)
        if seen == HEALTHY and is_store_due:
            seen = await stores()
            self._stored[name] = (pid, time.monotonic())
        if seen != HEALTHY:
            self._stored.pop(name, None)  # it has to store something to be healthy again
        return seen

    async def _service(self, name: str) -> Observation:
        port = self._ports[name]
        seen = await _get(port, "/readyz")
        if seen.verdict is Verdict.SILENT and (await _get(port, "/livez")) == HEALTHY:
            return Observation(Verdict.NOT_READY, "its check of what it needs does not end")
        return seen

    async def _nats_answers(self, _: int) -> Observation:
        """The write error of one stream stays until a restart, and only /healthz tells it."""
        return _failing(await _get(self._ports["nats_monitor"], "/healthz"))

    async def _nats_stores(self) -> Observation:
        user = f"{HEALTH_USER}:{self._secrets[HEALTH_USER]}"
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                client = await nats.connect(
                    f"nats://{user}@127.0.0.1:{self._ports['nats']}",
                    allow_reconnect=False,
                    max_reconnect_attempts=0,
                    error_cb=_ignore,
                )
                try:
                    await _publish(client)
                finally:
                    await client.close()
        except TimeoutError:
            return Observation(Verdict.FAILING, "its store does not confirm a message")
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            return Observation(Verdict.FAILING, f"its store cannot be written: {error}")
        return HEALTHY

    async def _postgres_answers(self, pid: int) -> Observation:
        status = setup.postmaster_status(self._data, pid)
        if status == "stopping":
            return Observation(Verdict.STOPPING, "it was asked to stop from outside")
        if status != "ready":
            return Observation(Verdict.STARTING, "it starts")
        return HEALTHY

    async def _postgres_stores(self) -> Observation:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                connection = await asyncpg.connect(
                    host="127.0.0.1",
                    port=self._ports["postgres"],
                    user=setup.SUPERUSER,
                    password=self._secrets["postgres"],
                    database="postgres",
                    ssl=False,
                )
                try:
                    await connection.execute(_COMMIT)
                finally:
                    connection.terminate()
        except TimeoutError:
            return Observation(Verdict.SILENT, "it does not answer")
        except asyncpg.CannotConnectNowError as error:
            return Observation(Verdict.STARTING, str(error))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return Observation(Verdict.FAILING, f"it cannot commit: {error}")
        return HEALTHY

    async def _s3_answers(self, _: int) -> Observation:
        return _failing(await _get(self._ports["s3"], "/healthz"))

    async def _s3_stores(self) -> Observation:
        for method, body in (("PUT", datetime.now(UTC).isoformat().encode()), ("GET", b"")):
            seen = await self._object(method, body)
            if seen != HEALTHY:
                detail = f"it cannot {method} an object: {seen.detail}"
                return Observation(Verdict.FAILING, detail)
        return HEALTHY

    async def _object(self, method: str, body: bytes) -> Observation:
        port = self._ports["s3"]
        target = presigned(
            method, f"127.0.0.1:{port}", _OBJECT, "headrace", self._secrets["s3"], datetime.now(UTC)
        )
        return await _request(port, method, target, body, _STORE_SECONDS)


async def _publish(client: Client) -> None:
    """Have a message stored and confirmed; the stream keeps the last one."""
    bus = client.jetstream(timeout=_ANSWER_SECONDS)
    try:
        await bus.publish(_STREAM, b"")
    except nats.js.errors.NoStreamResponseError:
        config = StreamConfig(
            name=_STREAM,
            subjects=[_STREAM],
            storage=StorageType.FILE,
            max_msgs=1,
            max_bytes=_STREAM_BYTES,
        )
        await bus.add_stream(config)
        await bus.publish(_STREAM, b"")


async def _ignore(_: Exception) -> None:
    """The call that failed raises the error too."""


def _failing(seen: Observation) -> Observation:
    """A server waits for nothing else."""
    if seen.verdict is Verdict.NOT_READY:
        return Observation(Verdict.FAILING, seen.detail)
    return seen


async def _get(port: int, target: str) -> Observation:
    return await _request(port, "GET", target, b"", _ANSWER_SECONDS)


async def _request(port: int, method: str, target: str, body: bytes, seconds: float) -> Observation:
    """One HTTP request to a port on loopback, on a connection of its own: a process that accepts
    no new connection is not healthy."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                head = (
                    f"{method} {target} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode() + body)
                answer = await reader.read(65536)
                while answer and b"\r\n\r\n" not in answer:
                    more = await reader.read(65536)
                    if not more:
                        break
                    answer += more
            finally:
                writer.close()
    except TimeoutError:
        return Observation(Verdict.SILENT, "it does not answer")
    except OSError as error:
        return Observation(Verdict.FAILING, f"it does not accept connections: {error.strerror}")
    return _judge(answer)


def _judge(answer: bytes) -> Observation:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"200"]:
        return HEALTHY
    text = " ".join(body.decode(errors="replace").split())
    if status == [b"503"]:
        return Observation(Verdict.NOT_READY, text or "it is not ready")
    shown = status[0].decode(errors="replace") if status else "no status"
    return Observation(Verdict.FAILING, f"it answers {shown}: {text}".rstrip(": "))

"""The lifecycle of a service: connect, run its loops until a stop signal, close in order.

Invariants: the process ends when any of its loops ends, since otherwise it would look healthy and
do nothing. No store that is unavailable ends a loop or the start; the service waits, and is not
ready meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import uvloop
from headrace_contracts.messages.subjects import EVENT_READERS, Subscription
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette

from headrace_runtime import logging
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer, Handle, OnUnreadable
from headrace_runtime.bus.provision import provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.faults.bus import translating
from headrace_runtime.http import HttpServer, Notice, StartingApp, health_routes
from headrace_runtime.loops import repeat, until_available
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, open_database
from headrace_runtime.relay import Relay
from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings

M = TypeVar("M")
T = TypeVar("T")
S = TypeVar("S", bound=ServiceSettings)
Loop = Callable[[], Coroutine[Any, Any, None]]

_PURGE_EVERY_SECONDS = 3600.0
_KEEP_HOURS = 24.0 * 7
"""For how long a message that was handled is recognized. The bus may deliver it again for as long
as another reader has not handled it."""


class Service:
    """A service: its bus connection, the stores that its `app.py` opens, and its HTTP server, which
    answers health checks from the first moment. It closes all of them at the end."""

    def __init__(self, name: str, settings: ServiceSettings, closing: AsyncExitStack) -> None:
        self.name = name
        self.stop = asyncio.Event()
        self.failure: str | None = None
        self.bus = Bus(name, self._fail)
        self._closing = closing
        self._objects: ObjectStore | None = None
        self._database: Database | None = None
        self._relay: Relay | None = None
        self.notice: Notice = lambda: None
        """What ``/readyz`` says besides that the service is ready."""
        self._consumers: list[Consumer[Any]] = []
        self._waits_for: str | None = "the bus"
        """What the start waits for; None after it."""
        self._main = asyncio.current_task()
        self._front = StartingApp(self.ready)
        self._server = HttpServer(self._front, settings.http_host, settings.http_port)
        self._serving: asyncio.Task[None]

    async def open(self, nats_url: str) -> None:
        """Begin to serve HTTP, and connect to the bus."""
        self._serving = asyncio.create_task(self._server.serve())
        self._closing.push_async_callback(self._stop_serving)
        self._closing.push_async_callback(self.bus.close)
        await self.until_available("the bus", lambda: self._connect(nats_url))

    async def open_objects(self, settings: ObjectStoreSettings) -> ObjectStore:
        """Open the object store. Consumers and the outbox need it for large messages."""
        self._objects = await self._closing.enter_async_context(ObjectStore(settings))
        return self._objects

    async def open_database(
        self,
        settings: PostgresSettings,
        *,
        package: str,
        readers: Sequence[Subscription] = EVENT_READERS,
    ) -> Database:
        """Open the service's schema in Postgres and apply the migrations of `package`. `readers`
        are all that read what the outbox publishes; it goes to the streams, which are provisioned
        here. Waits for both."""

        async def connect() -> Database:
            return await self._closing.enter_async_context(
                open_database(
                    settings.postgres_dsn.get_secret_value(),
                    self.name,
                    Publisher(self.bus, self._opened_objects()),
                    pool_size=settings.postgres_pool_size,
                    packages=(package,),
                )
            )

        await self.until_available("the streams of the bus", self._provision_streams)
        self._database = await self.until_available("Postgres", connect)
        self._relay = Relay(self.bus, self._database, readers)
        return self._database

    async def until_available(self, what: str, step: Callable[[], Awaitable[T]]) -> T:
        """The result of a step of the start, which is repeated while something that it needs is
        unavailable. Meanwhile the service is not ready, because it waits for `what`."""

        async def observed() -> T:
            try:
                return await step()
            except RetryableError as error:
                self._waits_for = f"{what} ({error})"
                raise

        self._waits_for = what
        result = await until_available(observed, "start_postponed")
        self._waits_for = "its next step"
        return result

    async def _connect(self, nats_url: str) -> None:
        with translating():
            await self.bus.connect(nats_url)

    async def _provision_streams(self) -> None:
        with translating():
            await provision_streams(self.bus.js)

    async def _stop_serving(self) -> None:
        self._server.should_exit = True
        await self._serving

    def request_stop(self) -> None:
        """Stop at the next opportunity; a start that waits ends at once."""
        self.stop.set()
        if self._waits_for is not None and self._main is not None:
            self._main.cancel()

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self.request_stop()

    def _opened_objects(self) -> ObjectStore:
        assert self._objects is not None, "call open_objects first"
        return self._objects

    def consumer(
        self,
        subscription: Subscription,
        adapter: TypeAdapter[M],
        handle: Handle[M],
        on_unreadable: OnUnreadable | None = None,
        linger_seconds: float = 0.0,
        urgent: str | None = None,
    ) -> Loop:
        """A loop that consumes a subscription; see `Consumer` for the options."""
        consumer = Consumer(
            self.bus,
            self._opened_objects(),
            subscription,
            adapter,
            handle,
            service=self.name,
            on_unreadable=on_unreadable,
            linger_seconds=linger_seconds,
            urgent=urgent,
        )
        self._consumers.append(consumer)
        return consumer.run

    async def ready(self) -> None:
        """Check the dependencies; raises `RetryableError` when one is unavailable."""
        if self._waits_for is not None:
            raise RetryableError("the service starts", f"it waits for {self._waits_for}")
        await self.bus.check(uses_streams=self._database is not None)
        for consumer in self._consumers:
            if not consumer.is_provisioned:
                raise RetryableError("the bus is unavailable", "a consumer waits for JetStream")
        if self._database is not None:
            await self._database.ping()

    async def run(self, app: Starlette, *loops: Loop) -> None:
        """Serve `app`, publish the outbox and run `loops` until a stop signal."""
        if self._database is not None and self._relay is not None:
            loops = (*loops, self._relay.run, partial(_purge, self._database))
        app.router.routes[:0] = health_routes(self.ready, self.notice)
        self._front.app = app
        self._waits_for = None
        gc.collect()
        gc.freeze()  # imported modules stay in memory: exclude them from every later collection
        try:
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(_run_until_stop(loop, _loop_name(loop), self.stop))
                    for loop in (self._served, *loops)
                ]
                await self.stop.wait()
                for task in running:
                    task.cancel()
                self._server.should_exit = True
        finally:
            await self._stop_serving()  # before the stores are closed

    async def _served(self) -> None:
        await asyncio.shield(self._serving)


def _loop_name(loop: Loop) -> str:
    return getattr(loop.func if isinstance(loop, partial) else loop, "__name__", "loop")


async def _purge(database: Database) -> None:
    await repeat("purge", partial(database.purge, _KEEP_HOURS), _PURGE_EVERY_SECONDS)


async def _run_until_stop(
    loop: Callable[[], Awaitable[None]], name: str, stop: asyncio.Event
) -> None:
    await loop()
    if not stop.is_set():
        raise FatalError(f"the loop {name!r} ended without a stop signal")


@asynccontextmanager
async def open_service(name: str, settings: ServiceSettings) -> AsyncIterator[Service]:
    """Connect to the bus and provide a `Service`, which opens stores on request. A stop signal ends
    a start that waits by cancelling the task that called this."""
    logging.configure(name, settings.log_level)
    log = logging.get_logger()
    async with AsyncExitStack() as closing:
        service = Service(name, settings, closing)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, service.request_stop)
        try:
            await service.open(settings.nats_url.get_secret_value())
            log.info("service_started")
            yield service
        except asyncio.CancelledError:
            if service.failure is None:
                raise
        log.info("service_stopped", reason=service.failure or "stop signal")
    if service.failure:
        raise FatalError(service.failure)


def run_service(settings_class: type[S], serve: Callable[[S], Coroutine[Any, Any, None]]) -> None:
    """The body of every service's `__main__`: read the settings and serve. Exits with 0 after a
    stop signal, 1 after a fatal error, and 2 if the settings are invalid."""
    try:
        settings = settings_class()
    except ValidationError as error:
        for detail in error.errors():
            name = "_".join(str(part) for part in detail["loc"]).upper()
            prefix = settings_class.model_config.get("env_prefix", "")
            sys.stderr.write(f"setting {prefix}{name}: {detail['msg']}\n")
        sys.exit(2)
    try:
        uvloop.run(serve(settings))
    except* asyncio.CancelledError:
        sys.exit(0)  # a stop signal during the start
    except* FatalError as group:
        for reason in group.exceptions:
            sys.stderr.write(f"{reason}\n")
        sys.exit(1)

"""The lifecycle of a service: connect, run its loops until a stop signal, close in order.

Invariant: the process ends when any of its loops ends. Otherwise a service whose loop has failed
would look healthy and do nothing.
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
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.http import HttpServer, health_routes
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, open_database
from headrace_runtime.relay import Relay
from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings

M = TypeVar("M")
S = TypeVar("S", bound=ServiceSettings)
Loop = Callable[[], Coroutine[Any, Any, None]]

_PURGE_EVERY_SECONDS = 3600.0
_KEEP_HOURS = 24.0 * 7
"""For how long a message that was handled is recognized. The bus may deliver it again for as long
as another reader has not handled it."""


class Service:
    """A running service: its bus connection, and the stores that its `app.py` opens. It closes all
    of them at the end."""

    def __init__(self, name: str, bus: Bus, stop: asyncio.Event, closing: AsyncExitStack) -> None:
        self.name = name
        self.bus = bus
        self.stop = stop
        self._closing = closing
        self._objects: ObjectStore | None = None
        self._database: Database | None = None
        self._relay: Relay | None = None

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
        are all that read what the outbox publishes."""
        self._database = await self._closing.enter_async_context(
            open_database(
                settings.postgres_dsn.get_secret_value(),
                self.name,
                Publisher(self.bus, self._opened_objects()),
                pool_size=settings.postgres_pool_size,
                packages=(package,),
            )
        )
        self._relay = Relay(self.bus, self._database, readers)
        return self._database

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
        return Consumer(
            self.bus,
            self._opened_objects(),
            subscription,
            adapter,
            handle,
            service=self.name,
            on_unreadable=on_unreadable,
            linger_seconds=linger_seconds,
            urgent=urgent,
        ).run

    async def ready(self) -> None:
        """Check the dependencies; raises `RetryableError` when one is unavailable."""
        await self.bus.check(uses_streams=self._database is not None)
        if self._database is not None:
            await self._database.ping()

    async def run(self, settings: ServiceSettings, app: Starlette, *loops: Loop) -> None:
        """Serve `app`, publish the outbox and run `loops` until a stop signal."""
        if self._database is not None and self._relay is not None:
            loops = (*loops, self._relay.run, partial(_purge, self._database))
        app.router.routes[:0] = health_routes(self.ready)
        server = HttpServer(app, settings.http_host, settings.http_port)
        gc.collect()
        gc.freeze()  # imported modules stay in memory: exclude them from every later collection
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(_run_until_stop(server.serve, "http", self.stop))
            running = [
                group.create_task(_run_until_stop(loop, _loop_name(loop), self.stop))
                for loop in loops
            ]
            await self.stop.wait()
            for task in running:
                task.cancel()
            server.should_exit = True
            await serving


def _loop_name(loop: Loop) -> str:
    return getattr(loop.func if isinstance(loop, partial) else loop, "__name__", "loop")


async def _purge(database: Database) -> None:
    while True:
        try:
            await database.purge(_KEEP_HOURS)
        except RetryableError as error:
            logging.get_logger().warning("purge_postponed", error=str(error))
        await asyncio.sleep(_PURGE_EVERY_SECONDS)


async def _run_until_stop(
    loop: Callable[[], Awaitable[None]], name: str, stop: asyncio.Event
) -> None:
    await loop()
    if not stop.is_set():
        raise FatalError(f"the loop {name!r} ended without a stop signal")


@asynccontextmanager
async def open_service(name: str, settings: ServiceSettings) -> AsyncIterator[Service]:
    """Connect to the bus and provide a `Service`, which opens stores on request."""
    logging.configure(name, settings.log_level)
    log = logging.get_logger()
    stop = asyncio.Event()
    failure: list[str] = []

    def stop_because(reason: str) -> None:
        failure.append(reason)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        bus = Bus(name, stop_because)
        closing.push_async_callback(bus.close)
        if not await _connected(bus, settings.nats_url.get_secret_value(), stop):
            sys.exit(0)  # stopped before the bus was there
        log.info("service_started")
        yield Service(name, bus, stop, closing)
        log.info("service_stopped", reason=failure[0] if failure else "stop signal")
    if failure:
        raise FatalError(failure[0])


async def _connected(bus: Bus, url: str, stop: asyncio.Event) -> bool:
    """Connect, for as long as it takes; False when the service is stopped before."""
    connecting = asyncio.ensure_future(bus.connect(url))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        return connecting.done()
    finally:
        connecting.cancel()
        stopping.cancel()


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
    except* FatalError as group:
        for reason in group.exceptions:
            sys.stderr.write(f"{reason}\n")
        sys.exit(1)

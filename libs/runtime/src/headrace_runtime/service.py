"""The life of a service: open what it stands on, run its loops until told to stop, close in order.

Invariant: the process ends when any of its loops does. A loop that dies silently would leave a
service that looks alive and does nothing.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import uvloop
from headrace_contracts.subjects import Subscription
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette

from headrace_runtime import logging
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer, Handle, Refuse
from headrace_runtime.bus.provision import provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.http import HttpServer, health_routes
from headrace_runtime.metrics import OUTBOX_BACKLOG
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, open_database
from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings

M = TypeVar("M")
S = TypeVar("S", bound=ServiceSettings)
Loop = Callable[[], Coroutine[Any, Any, None]]

_MARK_SECONDS = 1.0
"""Below the age at which the sweeper takes a message for lost; each mark is a commit of its own."""
_SWEEP_EVERY_SECONDS = 2.0
_SWEEP_OLDER_THAN_SECONDS = 2.0
_PURGE_EVERY_SECONDS = 3600.0
_KEEP_HOURS = 24.0 * 4
"""Longer than the 72 hours for which the bus can deliver a message again."""


class Service:
    """A running service: the bus, and whichever stores its `app.py` opens; it closes them all."""

    def __init__(self, name: str, bus: Bus, stop: asyncio.Event, closing: AsyncExitStack) -> None:
        self.name = name
        self.bus = bus
        self.stop = stop
        self._closing = closing
        self._objects: ObjectStore | None = None
        self._database: Database | None = None

    async def open_objects(self, settings: ObjectStoreSettings) -> ObjectStore:
        """Open the object store. Consumers and the database need it for large messages."""
        self._objects = await self._closing.enter_async_context(ObjectStore(settings))
        return self._objects

    async def open_database(self, settings: PostgresSettings, *, package: str) -> Database:
        """Open the service's schema in Postgres and apply the migrations of `package`. What its
        outbox publishes goes to the streams, which are provisioned here."""
        await provision_streams(self.bus.js)
        self._database = await self._closing.enter_async_context(
            open_database(
                settings.postgres_dsn.get_secret_value(),
                self.name,
                Publisher(self.bus.js, self._opened_objects()),
                pool_size=settings.postgres_pool_size,
                packages=(package,),
            )
        )
        return self._database

    def _opened_objects(self) -> ObjectStore:
        assert self._objects is not None, "call open_objects first"
        return self._objects

    def consumer(
        self,
        subscription: Subscription,
        adapter: TypeAdapter[M],
        handle: Handle[M],
        refuse: Refuse | None = None,
        linger_seconds: float = 0.0,
        urgent: str | None = None,
    ) -> Loop:
        """The loop that reads a subscription; see `Consumer` for the options."""
        return Consumer(
            self.bus,
            self._opened_objects(),
            subscription,
            adapter,
            handle,
            service=self.name,
            refuse=refuse,
            linger_seconds=linger_seconds,
            urgent=urgent,
        ).run

    async def ready(self) -> None:
        """Raise `RetryableError` when a dependency does not answer."""
        if not self.bus.client.is_connected:
            raise RetryableError("the bus is not connected")
        if self._database is not None:
            await self._database.ping()

    async def run(self, settings: ServiceSettings, app: Starlette, *loops: Loop) -> None:
        """Serve `app`, relay the outbox and run `loops` until the service is told to stop."""
        if self._database is not None:
            loops = (*loops, partial(_relay, self._database), partial(_purge, self._database))
        app.router.routes[:0] = health_routes(self.ready)
        server = HttpServer(app, settings.http_host, settings.http_port)
        gc.collect()
        gc.freeze()  # what was imported stays: a collection need not look through it each time
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(_must_not_end(server.serve, "http", self.stop))
            running = [
                group.create_task(_must_not_end(loop, _loop_name(loop), self.stop))
                for loop in loops
            ]
            await self.stop.wait()
            for task in running:
                task.cancel()
            server.should_exit = True
            await serving


def _loop_name(loop: Loop) -> str:
    return getattr(loop.func if isinstance(loop, partial) else loop, "__name__", "loop")


async def _relay(database: Database) -> None:
    """Mark what was published, and sweep up what was not."""
    clock = asyncio.get_running_loop().time
    next_sweep = clock()
    while True:
        try:
            await database.mark_published()
            if clock() >= next_sweep:
                OUTBOX_BACKLOG.set(await database.sweep(_SWEEP_OLDER_THAN_SECONDS))
                next_sweep = clock() + _SWEEP_EVERY_SECONDS
        except RetryableError as error:
            logging.get_logger().warning("relay_postponed", error=str(error))
        await asyncio.sleep(_MARK_SECONDS)


async def _purge(database: Database) -> None:
    while True:
        try:
            await database.purge(_KEEP_HOURS)
        except RetryableError as error:
            logging.get_logger().warning("purge_postponed", error=str(error))
        await asyncio.sleep(_PURGE_EVERY_SECONDS)


async def _must_not_end(
    loop: Callable[[], Awaitable[None]], name: str, stop: asyncio.Event
) -> None:
    await loop()
    if not stop.is_set():
        raise FatalError(f"{name} ended by itself")


@asynccontextmanager
async def open_service(name: str, settings: ServiceSettings) -> AsyncIterator[Service]:
    """Connect to the bus and give the `Service`, which opens the stores that it is asked for."""
    logging.configure(name, settings.log_level)
    log = logging.get_logger()
    stop = asyncio.Event()
    failure: list[str] = []

    def close_for(reason: str) -> None:
        failure.append(reason)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        bus = Bus(name, close_for)
        await bus.connect(settings.nats_url.get_secret_value())
        closing.push_async_callback(bus.close)
        log.info("service_started")
        yield Service(name, bus, stop, closing)
        log.info("service_stopped", reason=failure[0] if failure else "asked to")
    if failure:
        raise FatalError(failure[0])


def run_service(settings_class: type[S], serve: Callable[[S], Coroutine[Any, Any, None]]) -> None:
    """The body of every service's `__main__`: read the settings, serve, exit with 0 when asked to
    stop and with 1 when it cannot go on."""
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

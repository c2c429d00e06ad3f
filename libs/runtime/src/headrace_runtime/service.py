"""The lifecycle of a service: connect, run its loops until a stop signal, close in order.

Invariant: the process ends when any of its loops ends. Otherwise a service whose loop has failed
would look healthy and do nothing.
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
from headrace_contracts.messages.subjects import Subscription
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette

from headrace_runtime import logging
from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.consumer import Consumer, Handle, OnUnreadable
from headrace_runtime.bus.provision import provision_streams
from headrace_runtime.bus.publisher import Publisher
from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.http import HttpServer, Notice, health_routes
from headrace_runtime.metrics import OUTBOX_BACKLOG
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, open_database
from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings

M = TypeVar("M")
S = TypeVar("S", bound=ServiceSettings)
Loop = Callable[[], Coroutine[Any, Any, None]]

_MARK_SECONDS = 1.0
"""Less than `_SWEEP_OLDER_THAN_SECONDS`, so that the sweeper does not republish what was published
but not yet marked. Each pass is a commit of its own."""
_SWEEP_EVERY_SECONDS = 2.0
_SWEEP_OLDER_THAN_SECONDS = 2.0
_PURGE_EVERY_SECONDS = 3600.0
_KEEP_HOURS = 24.0 * 4
"""Longer than the 72 hours for which the bus can redeliver a message."""


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
        self.notice: Notice = lambda: None
        """What ``/readyz`` says besides that the service is ready."""

    async def open_objects(self, settings: ObjectStoreSettings) -> ObjectStore:
        """Open the object store. Consumers and the outbox need it for large messages."""
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
        if not self.bus.client.is_connected:
            raise RetryableError("the bus is not connected")
        if self._database is not None:
            await self._database.ping()

    async def run(self, settings: ServiceSettings, app: Starlette, *loops: Loop) -> None:
        """Serve `app`, publish the outbox and run `loops` until a stop signal."""
        if self._database is not None:
            loops = (*loops, partial(_relay, self._database), partial(_purge, self._database))
        app.router.routes[:0] = health_routes(self.ready, self.notice)
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


async def _relay(database: Database) -> None:
    """Mark published messages in the outbox and publish those that were not published."""
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
        await bus.connect(settings.nats_url.get_secret_value())
        closing.push_async_callback(bus.close)
        log.info("service_started")
        yield Service(name, bus, stop, closing)
        log.info("service_stopped", reason=failure[0] if failure else "stop signal")
    if failure:
        raise FatalError(failure[0])


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

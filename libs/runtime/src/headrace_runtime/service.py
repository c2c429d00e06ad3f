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
from headrace_runtime.settings import ObjectStoreSettings, ServiceSettings

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
    """What a running service has in hand; its `app.py` builds handlers on top."""

    def __init__(
        self, name: str, bus: Bus, database: Database, objects: ObjectStore, stop: asyncio.Event
    ) -> None:
        self.name = name
        self.bus = bus
        self.database = database
        self.objects = objects
        self.stop = stop

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
            self.objects,
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
        await self.database.ping()

    async def run(self, settings: ServiceSettings, app: Starlette, *loops: Loop) -> None:
        """Serve `app`, relay the outbox and run `loops` until the service is told to stop."""
        app.router.routes[:0] = health_routes(self.ready)
        server = HttpServer(app, settings.http_host, settings.http_port)
        gc.collect()
        gc.freeze()  # what was imported stays: a collection need not look through it each time
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(_must_not_end(server.serve, "http", self.stop))
            running = [
                group.create_task(_must_not_end(loop, getattr(loop, "__name__", "loop"), self.stop))
                for loop in (*loops, self._relay, self._purge)
            ]
            await self.stop.wait()
            for task in running:
                task.cancel()
            server.should_exit = True
            await serving

    async def _relay(self) -> None:
        """Mark what was published, and sweep up what was not."""
        clock = asyncio.get_running_loop().time
        next_sweep = clock()
        while True:
            try:
                await self.database.mark_published()
                if clock() >= next_sweep:
                    OUTBOX_BACKLOG.set(await self.database.sweep(_SWEEP_OLDER_THAN_SECONDS))
                    next_sweep = clock() + _SWEEP_EVERY_SECONDS
            except RetryableError as error:
                logging.get_logger().warning("relay_postponed", error=str(error))
            await asyncio.sleep(_MARK_SECONDS)

    async def _purge(self) -> None:
        while True:
            try:
                await self.database.purge(_KEEP_HOURS)
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
async def open_service(
    name: str,
    settings: ServiceSettings,
    object_settings: ObjectStoreSettings,
    *,
    package: str,
) -> AsyncIterator[Service]:
    """Connect to everything, migrate the service's schema from `package`, give the `Service`."""
    logging.configure(name, settings.log_level)
    log = logging.get_logger()
    stop = asyncio.Event()
    failure: list[str] = []

    def close_for(reason: str) -> None:
        failure.append(reason)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        bus = Bus(name, close_for)
        await bus.connect(settings.nats_url.get_secret_value())
        stack.push_async_callback(bus.close)
        await provision_streams(bus.js)
        objects = await stack.enter_async_context(ObjectStore(object_settings))
        database = await stack.enter_async_context(
            open_database(
                settings.postgres_dsn.get_secret_value(),
                name,
                Publisher(bus.js, objects),
                pool_size=settings.postgres_pool_size,
                packages=(package,),
            )
        )
        log.info("service_started")
        yield Service(name, bus, database, objects, stop)
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

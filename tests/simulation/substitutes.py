"""What the services get instead of clocks, randomness and the operating system.

Each substitute asks the simulation that runs, so that they are put in place once. Modules of ours
that are imported later are not covered; `SERVICES` are imported here.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from types import ModuleType
from typing import Any

import headrace_executor.app
import headrace_runtime.service
import headrace_scheduler.app
from headrace_contracts import ids
from headrace_executor.backends.process import fork_client, fork_server, owner, pids
from headrace_runtime.bus import connection

from tests.simulation import host, programs, sockets, world
from tests.simulation.clock import chance, now

SERVICES = (headrace_executor.app, headrace_scheduler.app)


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class SimulatedDatetime(datetime, metaclass=_AnyDatetime):
    """`datetime` with the simulation's clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return now().astimezone(tz)


class Substitute(ModuleType):
    """A module in which some names are others."""

    def __init__(self, real: ModuleType, **names: Any) -> None:
        super().__init__(real.__name__)
        self._real = real
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _seconds(*_: Any) -> float:
    return asyncio.get_running_loop().time()


_TIME = Substitute(
    time,
    clock_gettime=_seconds,
    monotonic=_seconds,
    time=lambda: now().timestamp(),
    time_ns=lambda: int(now().timestamp() * 1e9),
)
_RANDOM = Substitute(
    random,
    uniform=lambda a, b: chance().uniform(a, b),
    random=lambda: chance().random(),
    choice=lambda values: chance().choice(values),
)
_OS = Substitute(sys.modules["os"], urandom=lambda size: chance().randbytes(size))


def _uuid4() -> uuid.UUID:
    return uuid.UUID(int=chance().getrandbits(128), version=4)


def _ours() -> Iterator[ModuleType]:
    return (m for name, m in list(sys.modules.items()) if name.startswith("headrace_"))


def _places() -> Iterator[tuple[ModuleType, str, Any]]:
    """Each module and name to change, with what it is to be."""
    everywhere = (
        (datetime, SimulatedDatetime),
        (time, _TIME),
        (random, _RANDOM),
        (uuid.uuid4, _uuid4),
    )
    for module in _ours():
        for name, value in list(vars(module).items()):
            for real, substitute in everywhere:
                if value is real:
                    yield module, name, substitute
    yield ids, "os", _OS
    yield connection, "Client", world.make_client
    yield headrace_runtime.service, "open_database", world.open_database
    yield headrace_runtime.service, "ObjectStore", world.open_objects
    yield headrace_runtime.service, "HttpServer", world.NoHttpServer
    yield headrace_runtime.service, "gc", Substitute(sys.modules["gc"], collect=int, freeze=int)
    yield headrace_runtime.service.logging, "configure", lambda *_: None
    yield fork_client, "socket", Substitute(sys.modules["socket"], **sockets.NAMES)
    yield fork_server, "socket", Substitute(sys.modules["socket"], **sockets.NAMES)
    yield fork_server, "os", Substitute(sys.modules["os"], **programs.OS)
    yield owner, "fcntl", Substitute(sys.modules["fcntl"], flock=host.flock)
    for name, call in host.PIDS.items():
        yield pids, name, call


@contextmanager
def substituted() -> Iterator[None]:
    """Within this context the services are simulated."""
    before = []
    try:
        for module, name, value in list(_places()):
            before.append((module, name, vars(module)[name]))
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in reversed(before):
            setattr(module, name, value)

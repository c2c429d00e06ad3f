"""Deliberate defects of the services. The simulation has to find each of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.lease import Lease
from headrace_executor.runner import Runner
from headrace_runtime.bus.consumer import Consumer
from headrace_runtime.errors import PoisonError, RetryableError
from headrace_runtime.pg.database import Database, Swept, Unit
from headrace_scheduler.handlers import Handlers
from headrace_scheduler.store import RunStore


@dataclass(frozen=True)
class Mutant:
    """A defect: `owner`'s attribute `name` is replaced by what `make` makes of it."""

    owner: Any
    name: str
    make: Callable[[Any], Any]
    faults: tuple[str, ...]
    """Under which it shows."""
    promise: str
    """What it breaks."""
    first: int = 0
    """The seed from which on it shows soon."""

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The services have the defect."""
        before = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.make(before))
        try:
            yield
        finally:
            setattr(self.owner, self.name, before)


def _acknowledged_first(process: Any) -> Any:
    async def mutant(self: Any, batch: list[Any]) -> None:
        for raw in batch:
            with contextlib.suppress(Exception):
                await raw.ack()
        await process(self, batch)

    return mutant


def _published_first(_: Any) -> Any:
    async def mutant(self: Any, work: Callable[[Unit], Awaitable[Any]]) -> Any:
        for _ in range(4):
            try:
                async with self._acquired() as connection, connection.transaction():
                    unit = Unit(connection, self._service)
                    result = await work(unit)
                    self._published += await self._publisher.publish(unit.staged)
                    await unit.flush()
                return result
            except Exception as error:
                if type(error).__module__.startswith("headrace"):
                    raise
                await asyncio.sleep(0.1)
        raise RetryableError("postgres is away")

    return mutant


def _swallowing(handle: Any) -> Any:
    async def mutant(self: Any, batch: Any) -> None:
        with contextlib.suppress(RetryableError):
            await handle(self, batch)

    return mutant


def _impatient(handle_all: Any) -> Any:
    async def mutant(self: Any, batch: Any) -> None:
        handle = self._handle

        async def poisonous(received: Any) -> None:
            try:
                await handle(received)
            except RetryableError as error:
                raise PoisonError(str(error)) from error

        self._handle = poisonous
        try:
            await handle_all(self, batch)
        finally:
            self._handle = handle

    return mutant


def _nothing(_: Any) -> Any:
    async def mutant(*_: Any) -> int:
        return 0

    return mutant


def _nothing_swept(_: Any) -> Any:
    async def mutant(*_: Any) -> Swept:
        return Swept(0, 0)

    return mutant


def _none(_: Any) -> Any:
    async def mutant(*_: Any) -> None:
        return None

    return mutant


class _Current(int):
    """A version that equals every other one."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def _always_current(pop: Any) -> Any:
    def mutant(self: Any, run_id: Any) -> Any:
        found = pop(self, run_id)
        return None if found is None else (_Current(), found[1])

    return mutant


def _forgetting(_: Any) -> Any:
    def mutant(self: Any, key: Any) -> None:
        self._active.pop(key, None)

    return mutant


_ENDS = "everything comes to its end"

MUTANTS = {
    "acknowledge before the commit": Mutant(
        Consumer, "process", _acknowledged_first, ("kill", "postgres down"), _ENDS
    ),
    "publish before the commit": Mutant(
        Database,
        "transact",
        _published_first,
        ("kill", "postgres down"),
        "what is published is committed",
    ),
    "acknowledge what was not handled": Mutant(
        Handlers, "handle", _swallowing, ("postgres down",), _ENDS
    ),
    "dead letters for a store that is away": Mutant(
        Consumer, "_handle_all", _impatient, ("postgres down",), "no dead letters"
    ),
    "no sweeper": Mutant(Database, "sweep", _nothing_swept, ("kill", "nats down"), _ENDS),
    "no timers": Mutant(Handlers, "tick", _nothing, (), _ENDS),
    "nothing is found again": Mutant(
        ProcessBackend, "find", _none, ("kill",), "an attempt that has a result is not run again"
    ),
    "no sweep of the folders": Mutant(
        ProcessBackend, "sweep", _nothing, ("kill",), "no folder is left"
    ),
    "ends are not remembered": Mutant(
        Runner,
        "_forget",
        _forgetting,
        ("repeat commands", "postgres down"),
        "an attempt that has a result is not run again",
        first=45,
    ),
    "no comparisons": Mutant(
        Lease, "is_comparison_due", lambda _: lambda self: False, ("kill", "postgres down"), _ENDS
    ),
    "a run in memory is never out of date": Mutant(RunStore, "_pop", _always_current, (), _ENDS),
}

"""Runs launches, a bounded number at a time, from their arrival to their committed end: those of
a higher priority first, equal ones in the order of their arrival.

Invariant: an attempt's end is committed once, with the event that tells it, before its folder
goes. A restarted executor takes up what its predecessor left: it waits for launchers that still
run, reads the results of those that ended, and reports the rest as lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.commands import LaunchAttempt
from headrace_contracts.events import AttemptPreparing, AttemptStarted
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import derived_event_id
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit
from structlog.contextvars import bound_contextvars

from headrace_executor import store
from headrace_executor.core.outcome import Outcome, failed, lost, outcome
from headrace_executor.backends.port import Backend, CannotLaunchError, Handle
from headrace_executor.slot_queue import Queue
from headrace_executor.store import Identity, Launch

_RETRY_SECONDS = 0.5
_SHORT_SECONDS = 0.25
"""An attempt that is shorter is told with its end alone, which saves it a commit and an event."""


class Runner:
    """The launches of one executor."""

    def __init__(self, database: Database, backend: Backend, slots: int) -> None:
        self._database = database
        self._backend = backend
        self._free = slots
        self._queue = Queue()
        self._wake = asyncio.Event()
        self._known: set[Identity] = set()
        self._cancels: dict[Identity, asyncio.Event] = {}
        self._log = get_logger()

    def enqueue(self, launch: Launch) -> None:
        """Run this when a slot is free."""
        if launch.identity in self._known:
            return
        self._known.add(launch.identity)
        self._cancels[launch.identity] = asyncio.Event()
        if launch.cancel_requested:
            self._cancels[launch.identity].set()
        self._queue.add(launch)
        self._wake.set()

    def cancel(self, key: Identity) -> None:
        """Stop this attempt, whether it waits or runs; one that has ended is left alone."""
        event = self._cancels.get(key)
        if event is not None:
            event.set()
            self._queue.cancel(key)
            self._wake.set()

    async def clean_run(self, run_id: UUID) -> None:
        """Remove what was kept for a run as a whole."""
        await self._backend.clean_run(run_id)

    async def run(self) -> None:
        """Take up what was left, then run what comes, for ever."""
        await self._persist(self._take_up)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                while (canceled := self._queue.take_canceled()) is not None:
                    group.create_task(self._carry_out(canceled))  # needs no slot: it will not run
                while self._free and (launch := self._queue.take()) is not None:
                    self._free -= 1
                    group.create_task(self._carry_out(launch)).add_done_callback(self._release)
                await self._wake.wait()

    def _release(self, _: object) -> None:
        self._free += 1
        self._wake.set()

    async def _take_up(self) -> None:
        async with self._database.read() as connection:
            launches = await store.open_launches(connection)
        for launch in launches:
            self.enqueue(launch)

    async def _carry_out(self, launch: Launch) -> None:
        command, key = launch.command, launch.identity
        names = {"run_id": str(key[0]), "task": command.task_name, "attempt": key[2]}
        with bound_contextvars(**names):
            result = await self._outcome(launch)
            await self._persist(lambda: self._end(key, result))
            self._log.info("attempt_ended", outcome=result.type)
            await self._backend.clean(command)
        self._known.discard(key)
        self._cancels.pop(key, None)

    async def _outcome(self, launch: Launch) -> Outcome:
        """See the attempt through; every path ends in an outcome."""
        command = launch.command
        canceled = self._cancels[launch.identity]
        if launch.pid is not None and launch.pid_started is not None:
            handle: Handle | None = Handle(launch.pid, launch.pid_started)
        else:
            handle = self._backend.find(command) if launch.left_behind else None
        if handle is None:
            if canceled.is_set():
                return lost(command, datetime.now(UTC), cancel_requested=True)
            try:
                handle = await self._launch(command, canceled)
            except CannotLaunchError as error:
                return failed(command, error.failure, datetime.now(UTC))
            if handle is None:
                return lost(command, datetime.now(UTC), cancel_requested=canceled.is_set())
        watching = asyncio.ensure_future(self._watch(command, handle, canceled))
        try:
            # Note and tell that it runs, unless it has ended before anybody could look.
            if launch.state != "RUNNING":
                await asyncio.wait({watching}, timeout=_SHORT_SECONDS)
                if not watching.done():
                    running = handle
                    await self._persist(lambda: self._started(command, running))
            result = await watching
        finally:
            watching.cancel()
        place = self._backend.place(handle) if handle.pid else None
        return result.model_copy(update={"place": place})

    async def _launch(self, command: LaunchAttempt, canceled: asyncio.Event) -> Handle | None:
        """Start the launcher, again while something is away; None when it was canceled
        before it started."""

        async def tell(message: str) -> None:
            await self._persist(lambda: self._preparing(command, message))

        while not canceled.is_set():
            launching = asyncio.ensure_future(self._backend.launch(command, tell))
            waiting = asyncio.ensure_future(canceled.wait())
            try:
                await asyncio.wait({launching, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if launching.done():
                    return launching.result()
            except RetryableError as error:
                self._log.warning("launch_postponed", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except CannotLaunchError:
                raise
            except Exception as error:  # one attempt's fault, whatever it is, ends that attempt
                self._log.exception("launch_failed")
                message = f"the step could not be started: {error!r}"
                failure = Failure(code=FailureCode.LAUNCHER_ERROR, message=message)
                raise CannotLaunchError(failure) from error
            finally:
                launching.cancel()
                waiting.cancel()
                await asyncio.wait({launching})
        return self._backend.find(command)  # its launcher may have begun just before

    async def _watch(
        self, command: LaunchAttempt, handle: Handle, canceled: asyncio.Event
    ) -> Outcome:
        async def stop_when_canceled() -> None:
            await canceled.wait()
            await self._backend.stop(command, handle)

        stopping = asyncio.ensure_future(stop_when_canceled())
        try:
            while True:
                try:
                    manifest = await self._backend.wait(command, handle)
                    break
                except RetryableError as error:
                    self._log.warning("result_postponed", error=str(error))
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            stopping.cancel()
        if manifest is None:
            return lost(command, datetime.now(UTC), cancel_requested=canceled.is_set())
        return outcome(command, manifest, cancel_requested=canceled.is_set())

    async def _started(self, command: LaunchAttempt, handle: Handle) -> None:
        now = datetime.now(UTC)
        event = AttemptStarted(
            run_id=command.run_id,
            task_id=command.task_id,
            attempt=command.attempt,
            started_at=now,
            place=self._backend.place(handle),
            log=self._backend.log_key(command),
        )

        async def work(unit: Unit) -> None:
            key = store.identity(command)
            if await store.set_running(unit.connection, key, handle.pid, handle.started, now):
                unit.publish(event, derived_event_id(event.type, *key))

        await self._database.transact(work)

    async def _preparing(self, command: LaunchAttempt, message: str) -> None:
        event = AttemptPreparing(
            run_id=command.run_id,
            task_id=command.task_id,
            attempt=command.attempt,
            message=message,
        )

        async def work(unit: Unit) -> None:
            unit.publish(event)

        await self._database.transact(work)

    async def _end(self, key: Identity, result: Outcome) -> None:
        async def work(unit: Unit) -> None:
            if await store.set_ended(unit.connection, key, result):
                unit.publish(result, derived_event_id("attempt.ended", *key))

        await self._database.transact(work)

    async def _persist(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write, for as long as it takes: what happened cannot be asked for a second time."""
        while True:
            try:
                await write()
                return
            except RetryableError as error:
                self._log.warning("write_postponed", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

"""One launch, from its turn to its committed end.

Invariant: the end is committed once, with the event that reports it, and only while this executor
owns the launch. What the attempt left is removed after that. An unexpected fault of the backend
ends this attempt, and neither the other launches nor the executor.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.messages.events import AttemptPreparing, AttemptStarted
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import RETRY_SECONDS, until_available
from headrace_runtime.pg.database import Database, Unit
from structlog.contextvars import bound_contextvars

from headrace_executor import store
from headrace_executor.backends.port import Backend, CannotLaunchError, Handle, Vanished
from headrace_executor.core.launch import log_key
from headrace_executor.core.outcome import Outcome, failed, lost, outcome
from headrace_executor.lease import Lease
from headrace_executor.store import Launch

_SHORT_SECONDS = 0.25
"""An attempt that is shorter is reported by its end alone, which saves a commit and an event."""
_OUT_OF_REACH = Vanished(
    "the executor that ran the step stopped responding, and no other executor can reach its "
    "processes"
)
_NOT_FOUND = Vanished("the step was not found, and it left no result")


class ActiveLaunch:
    """A launch that this executor owns."""

    def __init__(self, launch: Launch, database: Database, backend: Backend, lease: Lease) -> None:
        self.launch = launch
        self._command = launch.command
        self._database = database
        self._backend = backend
        self._lease = lease
        self._canceled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_disowned = launch.is_taken
        self._handle: Handle | None = None
        self._log = get_logger()
        if launch.cancel_requested:
            self._canceled.set()

    def start(self, group: asyncio.TaskGroup) -> asyncio.Task[None]:
        """Begin; the task ends when nothing is left to do for the launch."""
        self._task = group.create_task(self._run())
        return self._task

    def cancel(self) -> None:
        """Stop the attempt, which then ends as canceled."""
        self._canceled.set()

    def disown(self) -> None:
        """Another executor owns the launch: report nothing, and remove what it cannot reach."""
        if self.is_disowned:
            return
        self.is_disowned = True
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        command = self._command
        names = {"run_id": str(command.run_id), "task": command.task_name}
        with bound_contextvars(**names, attempt=command.attempt):
            is_committed = False
            try:
                if not self.is_disowned:
                    is_committed = await self._carry_out()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not self.is_disowned or task is None or task.uncancel():
                    raise
            try:
                if is_committed:
                    await self._clean()
                else:
                    self._log.warning("launch_disowned")
                    await self._give_up()
            except Exception:  # what an attempt leaves is no reason to end the executor
                self._log.exception("clean_failed")

    async def _carry_out(self) -> bool:
        """Run the attempt and commit its end; False when another executor owns it by then."""
        try:
            result = await self._outcome()
        except Exception as error:  # a fault of one attempt ends that attempt alone
            self._log.exception("attempt_failed")
            result = await self._after_fault(error)
        try:
            is_committed = await until_available(lambda: self._end(result), "write_postponed")
        except NotStorableError as error:
            message = f"the result of the step: {error}"
            failure = Failure(code=FailureCode.OUTPUT_INVALID, message=message)
            result = failed(self._command, failure, datetime.now(UTC))
            is_committed = await until_available(lambda: self._end(result), "write_postponed")
        if is_committed:
            self._log.info("attempt_ended", outcome=result.type)
        return is_committed

    async def _after_fault(self, error: Exception) -> Outcome:
        """The end of an attempt whose backend failed unexpectedly. What may still run is stopped,
        since it would run beside its retry."""
        handle = self._handle or self.launch.handle
        if handle is not None:
            try:
                await self._backend.stop(self._command, handle)
            except Exception:
                self._log.exception("stop_failed")
        return self._lost(
            Vanished(
                f"the executor failed while it followed the step ({error!r}); its log says more"
            )
        )

    async def _outcome(self) -> Outcome:
        """Find or start the attempt and wait for it; returns how it ended."""
        if self.launch.is_inherited:
            missing = await self._find()
            if missing is not None:
                return self._lost(missing)
        if self._handle is None:
            if self._canceled.is_set():
                return self._lost(_NOT_FOUND)
            try:
                self._handle = await self._launch()
            except CannotLaunchError as error:
                return failed(self._command, error.failure, datetime.now(UTC))
            if self._handle is None:
                return self._lost(_NOT_FOUND)
        handle = self._handle
        watching = asyncio.ensure_future(self._watch(handle))
        try:
            if self.launch.state != "RUNNING":
                await asyncio.wait({watching}, timeout=_SHORT_SECONDS)
                if not watching.done():
                    await until_available(lambda: self._started(handle), "write_postponed")
            result = await watching
        finally:
            watching.cancel()
            await asyncio.wait({watching})  # the backend is waited for by one call at a time
        return result.model_copy(update={"place": self._backend.describe(handle)})

    async def _find(self) -> Vanished | None:
        """Look for what an earlier executor started; returns why the attempt is lost, if it is."""
        if self.launch.is_foreign and not self._backend.is_shared:
            return _OUT_OF_REACH
        self._handle = await until_available(
            lambda: self._backend.find(self._command, self.launch.handle), "find_postponed"
        )
        if self._handle is None and self.launch.state == "RUNNING":
            return _NOT_FOUND
        return None

    async def _launch(self) -> Handle | None:
        """Start the launcher, repeatedly while something is unavailable; None when the launch was
        canceled before it started."""
        while not self._canceled.is_set():
            if not self._lease.is_certain():
                await self._lease.until_certain()
                continue
            launching = asyncio.ensure_future(
                self._backend.launch(self._command, self._report_waiting)
            )
            waiting = asyncio.ensure_future(self._canceled.wait())
            try:
                await asyncio.wait({launching, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if launching.done():
                    return launching.result()
            except RetryableError as error:
                self._log.warning("launch_postponed", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            except CannotLaunchError:
                raise
            except Exception as error:  # a fault of one attempt ends that attempt alone
                self._log.exception("launch_failed")
                message = f"the step could not be started: {error!r}"
                failure = Failure(code=FailureCode.LAUNCHER_ERROR, message=message)
                raise CannotLaunchError(failure) from error
            finally:
                launching.cancel()
                waiting.cancel()
                await asyncio.wait({launching})
        # Its launcher may have begun just before the cancellation.
        return await until_available(
            lambda: self._backend.find(self._command, None), "find_postponed"
        )

    async def _watch(self, handle: Handle) -> Outcome:
        """Wait for the launch's end, and stop it if it is canceled."""

        stopping = asyncio.ensure_future(self._stop_when_canceled(handle))
        try:
            end = await until_available(
                lambda: self._backend.wait(self._command, handle), "result_postponed"
            )
        finally:
            stopping.cancel()
            await asyncio.wait({stopping})
        if isinstance(end, Vanished):
            return self._lost(end)
        return outcome(self._command, end, cancel_requested=self._canceled.is_set())

    async def _stop_when_canceled(self, handle: Handle) -> None:
        await self._canceled.wait()
        while True:
            try:
                return await self._backend.stop(self._command, handle)
            except RetryableError as error:
                self._log.warning("stop_postponed", error=str(error))
            except Exception:  # the user waits for the step to stop
                self._log.exception("stop_failed")
            await asyncio.sleep(RETRY_SECONDS)

    def _lost(self, end: Vanished) -> Outcome:
        is_canceled = self._canceled.is_set()
        return lost(self._command, end.reason, datetime.now(UTC), cancel_requested=is_canceled)

    async def _started(self, handle: Handle) -> None:
        """Store the handle and report that the attempt runs."""
        now = datetime.now(UTC)
        event = AttemptStarted(
            run_id=self._command.run_id,
            task_id=self._command.task_id,
            attempt=self._command.attempt,
            started_at=now,
            place=self._backend.describe(handle) or "",
            log=log_key(self._command),
        )
        key = self.launch.identity

        async def work(unit: Unit) -> bool:
            is_owned = await store.set_running(
                unit.connection, key, self._lease.owner, self.launch.epoch, handle, now
            )
            if is_owned:
                unit.publish(event, derived_event_id(event.type, *key))
            return is_owned

        if not await self._database.transact(work):
            self._lease.request_comparison()

    async def _report_waiting(self, message: str) -> None:
        """Report what the attempt waits for before it starts."""
        event = AttemptPreparing(
            run_id=self._command.run_id,
            task_id=self._command.task_id,
            attempt=self._command.attempt,
            message=message,
        )

        async def work(unit: Unit) -> None:
            if await store.confirm_owned(
                unit.connection, self.launch.identity, self._lease.owner, self.launch.epoch
            ):
                unit.publish(event)

        await until_available(lambda: self._database.transact(work), "write_postponed")

    async def _end(self, result: Outcome) -> bool:
        """Store the end and report it; False when another executor owns the launch."""
        key = self.launch.identity

        async def work(unit: Unit) -> bool:
            owner, epoch = self._lease.owner, self.launch.epoch
            if await store.set_ended(unit.connection, key, owner, epoch, result):
                unit.publish(result, derived_event_id("attempt.ended", *key))
                return True
            # An earlier try may have been committed without an acknowledgement.
            return (await store.epochs(unit.connection, owner, [key])).get(key) == epoch

        return await self._database.transact(work)

    async def _clean(self) -> None:
        await until_available(lambda: self._backend.clean(self._command), "clean_postponed")

    async def _give_up(self) -> None:
        """End what runs here of a launch that another executor owns, unless that one sees it."""
        if not self._backend.is_shared:
            self._canceled.set()
            handle = self._handle or await until_available(
                lambda: self._backend.find(self._command, self.launch.handle), "find_postponed"
            )
            if handle is not None:
                await self._watch(handle)
            await self._clean()
        key, owner = self.launch.identity, self._lease.owner
        await until_available(
            lambda: self._database.transact(
                lambda unit: store.set_given_up(unit.connection, key, owner)
            ),
            "write_postponed",
        )

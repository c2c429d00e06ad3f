"""One launch, from its turn to its committed end.

Invariant: the end is committed once, with the event that reports it, and only while this executor
owns the launch. What the attempt left is removed after that. An unexpected fault of the backend
ends this attempt, and neither the other launches nor the executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.launches import Progress
from headrace_contracts.messages.events import AttemptPreparing, AttemptStarted, AttemptWaiting
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import RETRY_SECONDS, until_available
from headrace_runtime.pg.database import Database, Unit
from structlog.contextvars import bound_contextvars

from headrace_executor import store
from headrace_executor.backends.port import Backend, CannotLaunchError, Handle, Vanished
from headrace_executor.core.execution import Execution
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


class _NotOwnedError(Exception):
    """Another executor owns the launch, or it has ended."""


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
        self._execution = Execution(launch.command, launch.execution)
        self._may_have_started = launch.is_inherited
        self._handle: Handle | None = None
        self._release_room: Callable[[], None] = lambda: None
        self._waits_for = ""
        """What the user was last told that it waits for."""
        self._log = get_logger()
        if launch.cancel_requested:
            self._canceled.set()

    def start(
        self, group: asyncio.TaskGroup, release_room: Callable[[], None]
    ) -> asyncio.Task[None]:
        """Begin; the task ends when nothing is left to do for the launch. `release_room` is called
        when its command has ended, before its outputs are uploaded and its end is committed."""
        self._release_room = release_room
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
        except _NotOwnedError:
            self.is_disowned = True
            return False
        except Exception as error:  # a fault of one attempt ends that attempt alone
            self._log.exception("attempt_failed")
            result = await self._after_fault(error)
        self._release_room()
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
        try:
            handle = self._handle or await self._find()
            if handle is not None:
                await self._backend.stop(self._execution, handle)
        except Exception:
            self._log.exception("stop_failed")
        return self._lost(
            Vanished(
                f"the executor failed while it followed the step ({error!r}); its log says more"
            )
        )

    async def _outcome(self) -> Outcome:
        """Find or start an execution and wait for it; returns how it ended."""
        if self.launch.is_foreign and not self._backend.is_shared:
            return self._lost(_OUT_OF_REACH)
        try:
            self._handle = await self._found_or_started()
        except CannotLaunchError as error:
            return failed(self._command, error.failure, datetime.now(UTC))
        if self._handle is None:
            return self._lost(_NOT_FOUND)
        handle = self._handle
        watching = asyncio.ensure_future(self._watch(handle))
        following = asyncio.ensure_future(self._follow(handle))
        try:
            if self.launch.state != "RUNNING":
                await asyncio.wait({watching}, timeout=_SHORT_SECONDS)
                if not watching.done():
                    await until_available(lambda: self._started(handle), "write_postponed")
            result = await watching
        finally:
            watching.cancel()
            following.cancel()
            # the backend is waited for by one call at a time
            await asyncio.wait({watching, following})
        return result.model_copy(update={"place": self._backend.describe(handle)})

    async def _found_or_started(self) -> Handle | None:
        """The handle of the execution that counts. None when the launch was canceled before one
        started, or nothing is left of one that ran.

        An execution whose start is in doubt is looked for first. If nothing of it runs, the next
        one is claimed, so that nothing of the one before counts any more.
        """
        while True:
            if self._may_have_started:
                handle = await self._find()
                if handle is not None or self.launch.state == "RUNNING":
                    return handle
            if self._canceled.is_set():
                return None
            if self._may_have_started:
                await self._claim_next()
            try:
                handle = await self._unless_canceled(self._start())
            except RetryableError as error:
                self._log.warning("launch_postponed", error=str(error))
                if not self._waits_for:
                    self._waits_for = f"waiting since {datetime.now(UTC):%H:%M:%S} UTC: {error}"
                    await self._report_waiting(self._waits_for)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if handle is not None:
                    return handle

    async def _find(self) -> Handle | None:
        return await until_available(
            lambda: self._backend.find(self._execution, self.launch.handle), "find_postponed"
        )

    async def _claim_next(self) -> None:
        claimed = self._execution.next
        claim = self._claim(claimed)
        if not await until_available(
            lambda: self._database.transact(
                lambda unit: store.claim_execution(unit.connection, claim)
            ),
            "write_postponed",
        ):
            raise _NotOwnedError
        self._log.info("execution_claimed", execution=claimed.number)
        self._execution, self._may_have_started = claimed, False

    def _claim(self, execution: Execution) -> store.Claim:
        return (*self.launch.identity, self._lease.owner, self.launch.epoch, execution.number)

    async def _start(self) -> Handle:
        """Start the execution, unless its preparation outlived the lease and another executor owns
        the launch by then."""
        try:
            plan = await self._backend.prepare(self._execution, self._report_waiting)
        except (RetryableError, CannotLaunchError):
            raise
        except Exception as error:  # a fault of one attempt ends that attempt alone
            self._log.exception("launch_failed")
            message = f"the step could not be started: {error!r}"
            failure = Failure(code=FailureCode.LAUNCHER_ERROR, message=message)
            raise CannotLaunchError(failure) from error
        await self._lease.until_certain()
        self._may_have_started = True
        return await self._backend.start(self._execution, plan)

    async def _unless_canceled(self, starting: Coroutine[Any, Any, Handle]) -> Handle | None:
        """The result; None when the launch was canceled first."""
        start = asyncio.ensure_future(starting)
        canceled = asyncio.ensure_future(self._canceled.wait())
        try:
            await asyncio.wait({start, canceled}, return_when=asyncio.FIRST_COMPLETED)
            return start.result() if start.done() else None
        finally:
            start.cancel()
            canceled.cancel()
            await asyncio.wait({start})

    async def _watch(self, handle: Handle) -> Outcome:
        """Wait for the launch's end, and stop it if it is canceled."""

        stopping = asyncio.ensure_future(self._stop_when_canceled(handle))
        try:
            end = await until_available(
                lambda: self._backend.wait(self._execution, handle), "result_postponed"
            )
        finally:
            stopping.cancel()
            await asyncio.wait({stopping})
        if isinstance(end, Vanished):
            return self._lost(end)
        return outcome(self._command, end, cancel_requested=self._canceled.is_set())

    async def _follow(self, handle: Handle) -> None:
        """Take what the launch reports while it runs. Without it, the launch keeps its room for
        longer, and the user is told less."""
        self._waits_for = ""
        try:
            await until_available(
                lambda: self._backend.follow(self._execution, handle, self._take_progress),
                "progress_postponed",
            )
        except Exception:
            self._log.exception("follow_failed")

    async def _take_progress(self, progress: Progress) -> None:
        if progress.command_ended:
            self._release_room()
        if progress.waiting != self._waits_for:
            self._waits_for = progress.waiting
            await self._publish_while_owned(
                AttemptWaiting(
                    run_id=self._command.run_id,
                    task_id=self._command.task_id,
                    attempt=self._command.attempt,
                    execution=self._execution.number,
                    message=progress.waiting,
                )
            )

    async def _stop_when_canceled(self, handle: Handle) -> None:
        await self._canceled.wait()
        while True:
            try:
                return await self._backend.stop(self._execution, handle)
            except RetryableError as error:
                self._log.warning("stop_postponed", error=str(error))
            except Exception:  # the user waits for the step to stop
                self._log.exception("stop_failed")
            await asyncio.sleep(RETRY_SECONDS)

    def _lost(self, end: Vanished) -> Outcome:
        is_canceled = self._canceled.is_set()
        return lost(
            self._command,
            end.reason,
            datetime.now(UTC),
            cancel_requested=is_canceled,
            deployment_stopped=end.deployment_stopped,
        )

    async def _started(self, handle: Handle) -> None:
        """Store the handle and report that the attempt runs."""
        now = datetime.now(UTC)
        event = AttemptStarted(
            run_id=self._command.run_id,
            task_id=self._command.task_id,
            attempt=self._command.attempt,
            execution=self._execution.number,
            started_at=now,
            place=self._backend.describe(handle) or "",
            log=self._execution.log_key,
        )
        claim = self._claim(self._execution)

        async def work(unit: Unit) -> bool:
            is_owned = await store.set_running(unit.connection, claim, handle, now)
            if is_owned:
                unit.publish(event, derived_event_id(event.type, *self.launch.identity))
            return is_owned

        if not await self._database.transact(work):
            self._lease.request_comparison()

    async def _report_waiting(self, message: str) -> None:
        """Report what the attempt waits for before it starts."""
        await self._publish_while_owned(
            AttemptPreparing(
                run_id=self._command.run_id,
                task_id=self._command.task_id,
                attempt=self._command.attempt,
                execution=self._execution.number,
                message=message,
            )
        )

    async def _publish_while_owned(self, event: AttemptPreparing | AttemptWaiting) -> None:
        async def work(unit: Unit) -> None:
            if await store.confirm_owned(
                unit.connection, self.launch.identity, self._lease.owner, self.launch.epoch
            ):
                unit.publish(event)

        await until_available(lambda: self._database.transact(work), "write_postponed")

    async def _end(self, result: Outcome) -> bool:
        """Store the end and report it; False when another executor owns the launch."""
        key, claim = self.launch.identity, self._claim(self._execution)
        result = result.model_copy(update={"execution": self._execution.number})

        async def work(unit: Unit) -> bool:
            if await store.set_ended(unit.connection, claim, result):
                unit.publish(result, derived_event_id("attempt.ended", *key))
                return True
            # An earlier try may have been committed without an acknowledgement.
            return await store.has_ended(unit.connection, claim)

        return await self._database.transact(work)

    async def _clean(self) -> None:
        await until_available(lambda: self._backend.clean(self._execution), "clean_postponed")

    async def _give_up(self) -> None:
        """End what runs here of a launch that another executor owns, unless that one sees it."""
        if not self._backend.is_shared:
            self._canceled.set()
            handle = self._handle or await self._find()
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

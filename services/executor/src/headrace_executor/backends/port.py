"""The port between the runner and the places where attempts run.

A backend decides how a launch becomes a running launcher (a process, a container, a pod), and sees
how it ends. It has no state that a restart would lose: what it needs to find a launch is in the
handle, which the runner stores, or follows from the launch command.

A backend implements `Backend`, has a folder beside this file, and is registered in `app.py`.
`tests/unit/executor/backends/test_port.py` runs the same tests on every backend.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from headrace_contracts.failures import Failure
from headrace_contracts.launches import LaunchFile, Progress, ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from pydantic import JsonValue

from headrace_executor.core.execution import Execution

Handle = dict[str, JsonValue]
"""How a backend refers to one launch that it started: a small JSON object that only the backend
reads. The runner stores it, and gives it back also after a restart, so its fields are a format:
a newer version of the backend still reads what an older one wrote."""

ReportWaiting = Callable[[str], Awaitable[None]]
"""Tells the user what a launch waits for before it starts, such as packages or an image."""

ReportProgress = Callable[[Progress], Awaitable[None]]
"""Takes what a running launch does."""

Attempt = tuple[UUID, UUID, int]
"""Run, task, number of the attempt."""

OpenAmong = Callable[[Sequence[Attempt]], Awaitable[set[Attempt]]]
"""Those of some attempts of which something is still needed."""


class CannotLaunchError(Exception):
    """The attempt cannot start, and another try would fail in the same way. `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True, slots=True)
class Vanished:
    """A launch that ended without a result manifest; `reason` is a sentence for the user."""

    reason: str
    deployment_stopped: bool = False
    """It was stopped together with the deployment."""


class Backend(Protocol):
    """A place where attempts run: processes of this machine, or pods of a cluster.

    All calls for one launch come from one runner, one at a time, except `stop` and `follow`, which
    run beside `wait`. Calls for different launches run concurrently. Any asynchronous call may
    raise `RetryableError` when something that it needs is unavailable; the runner calls again. Any
    other error ends the attempt.
    """

    @property
    def owner(self) -> str:
        """The name under which this executor owns launches.

        Executors that run at the same time have different names. A restarted executor may reuse
        the name of its predecessor, and then adopts its launches at once, but only if the backend
        rules out that the predecessor still runs. A new random name at each start is always safe;
        the predecessor's launches are then taken over when its lease has expired.
        """
        ...

    @property
    def is_shared(self) -> bool:
        """Whether `find` sees the launches of every executor that runs the same cluster's attempts.

        True for pods: a launch that is taken over from another owner goes on. False for processes,
        which other machines cannot see: an attempt that is taken over is reported as lost, which is
        retryable, and its former owner stops and removes it, also after a restart.
        """
        ...

    def reserve(self, command: LaunchAttempt, *, is_running: bool) -> bool:
        """Take room for the command of one launch; False when there is none at present.

        A launch that runs already (`is_running`) takes its room in any case. The runner asks for
        one launch at a time, in the order of priority, and asks again when it has released another
        one and every few seconds.
        """
        ...

    def release(self, command: LaunchAttempt) -> None:
        """Give back the room of a launch: its command has ended. Its transfers may go on."""
        ...

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        """Do what an execution needs before it can start, which may take long, such as installing
        packages. Nothing runs yet. The call may be cancelled.

        Raises:
            CannotLaunchError: it can never start.
        """
        ...

    async def start(self, execution: Execution, plan: LaunchFile) -> Handle:
        """Start an execution that was prepared; returns when its launcher has the launch file.

        An execution is started by one call at most: the runner claims another number for the next.
        The call may be cancelled, or fail. Then the command never starts, or `find` finds it.

        Raises:
            CannotLaunchError: it can never start.
        """
        ...

    async def find(self, execution: Execution, handle: Handle | None) -> Handle | None:
        """Find an execution that this or an earlier executor may have started.

        `handle` is what was stored for it, None when its start was not stored.

        Returns:
            The handle to wait for, also when the execution has ended, or has vanished after its
            start. None when nothing was started, or nothing is left of it. Then nothing of the
            attempt runs or will run: what earlier executions left is ended by this call. The runner
            then starts another execution if no start was ever stored, and reports the attempt as
            lost otherwise. It does not ask for a launch of another owner unless `is_shared`.
        """
        ...

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        """Wait until the execution has ended and nothing of it runs; returns its result."""
        ...

    async def follow(self, execution: Execution, handle: Handle, report: ReportProgress) -> None:
        """Report what the execution does whenever that changes: that its command has ended, so that
        it needs no room any more, and what it waits for. Runs beside `wait`, and is cancelled when
        that returns. A backend that cannot know it returns; the launch then has its room to its
        end."""
        ...

    async def stop(self, execution: Execution, handle: Handle) -> None:
        """Ask an execution to end, and end it by force after the grace period. `wait` returns when
        it has ended."""
        ...

    def describe(self, handle: Handle) -> str | None:
        """Where the launch runs, for people; None when that is not known any more."""
        ...

    async def clean(self, execution: Execution) -> None:
        """Remove what an attempt left, after its end was committed. `execution` is its last one.
        Idempotent."""
        ...

    async def clean_run(self, run_id: UUID) -> None:
        """Remove what the backend has for a run as a whole, such as its workspace. Idempotent."""
        ...

    async def sweep(self, open_among: OpenAmong) -> int:
        """Remove what is left of attempts that are not open, whose executor was killed before it
        cleaned, and what was left half made; returns of how many attempts. Runs beside all other
        calls."""
        ...

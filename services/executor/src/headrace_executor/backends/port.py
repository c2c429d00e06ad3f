"""What the runner needs of a place where attempts run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from headrace_contracts.commands import LaunchAttempt
from headrace_contracts.failures import Failure
from headrace_contracts.launches import ResultManifest

Tell = Callable[[str], Awaitable[None]]
"""Tells the user what an attempt waits for, in a few words."""


class CannotLaunchError(Exception):
    """The attempt cannot start, and a second try would not help; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True, slots=True)
class Handle:
    """A launcher that runs: its process, and when that process was started (kernel ticks), which
    tells it from a later process of the same number."""

    pid: int
    started: int


class Backend(Protocol):
    """A place where attempts run: processes of this machine, or pods of a cluster."""

    async def launch(self, command: LaunchAttempt, tell: Tell) -> Handle:
        """Start an attempt.

        Raises:
            CannotLaunchError: it can never start.
            RetryableError: something is away; the attempt may be launched again.
        """
        ...

    def find(self, command: LaunchAttempt) -> Handle | None:
        """The launcher of an attempt that a predecessor may have started, if it runs."""
        ...

    async def wait(self, command: LaunchAttempt, handle: Handle) -> ResultManifest | None:
        """Wait for the launcher's end; None when it left no result."""
        ...

    async def stop(self, command: LaunchAttempt, handle: Handle) -> None:
        """Ask the launcher to stop its step, and see to it that it does."""
        ...

    def place(self, handle: Handle) -> str:
        """Where the attempt runs, for people."""
        ...

    def log_key(self, command: LaunchAttempt) -> str:
        """The object key of the attempt's log."""
        ...

    async def clean(self, command: LaunchAttempt) -> None:
        """Remove what the attempt left, once its end is committed."""
        ...

    async def clean_run(self, run_id: UUID) -> None:
        """Remove what was kept for a run as a whole; again is harmless."""
        ...

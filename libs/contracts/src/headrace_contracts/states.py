"""The states of runs and tasks, and which of them are final."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """A run's state. The last three are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELING = "CANCELING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def final(self) -> bool:
        """Whether nothing can change this state any more."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


class TaskState(StrEnum):
    """A task's state. The last four are final."""

    PENDING = "PENDING"
    """Waits for other tasks."""
    READY = "READY"
    """Handed to an executor."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"

    @property
    def final(self) -> bool:
        """Whether nothing can change this state any more."""
        return self in (
            TaskState.SUCCEEDED,
            TaskState.FAILED,
            TaskState.SKIPPED,
            TaskState.CANCELED,
        )

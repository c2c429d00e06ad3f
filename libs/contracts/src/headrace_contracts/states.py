"""The kinds of tasks, and the states of runs and tasks."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """A run's state. The last three are final."""

    PENDING = "PENDING"
    """Waits until its pipeline and namespace may run one more."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    """Starts nothing new; what runs goes on."""
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
    WAITING = "WAITING"
    """Failed, and waits for the time of its next attempt."""
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


class TaskKind(StrEnum):
    """What a task is, which is also how it is carried out."""

    STEP = "STEP"
    """A command, run by an executor."""
    IMPORT = "IMPORT"
    """Makes an artifact of something that is already there; runs nothing."""
    DAG = "DAG"
    """A graph of tasks of its own: a nested pipeline, a branch, the body of an exit handler."""
    LOOP = "LOOP"
    """Runs its component once for each item; its tasks are the iterations."""

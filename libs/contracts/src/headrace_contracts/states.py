"""The kinds of tasks, and the states of runs and tasks."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """A run's state. The last three are final."""

    PENDING = "PENDING"
    """Waits until the limits of its pipeline and namespace permit another active run."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    """Starts no new tasks; running tasks finish."""
    CANCELING = "CANCELING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def final(self) -> bool:
        """Whether the state is final."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


class TaskState(StrEnum):
    """A task's state. The last four are final."""

    PENDING = "PENDING"
    """Waits for other tasks."""
    READY = "READY"
    """Sent to an executor."""
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    """Failed; waits for the time of its next attempt."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"

    @property
    def final(self) -> bool:
        """Whether the state is final."""
        return self in (
            TaskState.SUCCEEDED,
            TaskState.FAILED,
            TaskState.SKIPPED,
            TaskState.CANCELED,
        )


class TaskKind(StrEnum):
    """What a task is, and how it is executed."""

    STEP = "STEP"
    """A command, executed by a backend."""
    IMPORT = "IMPORT"
    """Creates an artifact for existing data; executes nothing."""
    DAG = "DAG"
    """A graph of tasks of its own: a nested pipeline, a branch, the body of an exit handler."""
    LOOP = "LOOP"
    """Runs its component once per item; its tasks are the iterations."""

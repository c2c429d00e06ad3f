"""The recorder's rows of runs and tasks, as plain data, and the events that change them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from headrace_contracts.messages.events import Event
from headrace_contracts.states import RunState, TaskState


class RecordedEvent(NamedTuple):
    """An event as it was received: its CloudEvents id, its content, and when it was published."""

    event_id: str
    event: Event
    at: datetime

    @property
    def run_id(self) -> UUID | None:
        """The run that the event is about, if any."""
        return getattr(self.event, "run_id", None)


@dataclass(slots=True)
class RunRow:
    """A run; `submission` is None until `run.submitted` is received."""

    run_id: UUID
    submission: dict[str, Any] | None = None
    state: RunState = RunState.PENDING
    """The state that is shown."""
    latest: RunState = RunState.PENDING
    """The state of the highest revision received."""
    revision: int = 0
    history: dict[str, list[str]] = field(default_factory=dict)
    """By revision: the state, and when the run entered it (RFC 3339)."""
    failure: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    archived: bool = False
    archived_at: datetime | None = None
    """When it was last archived or unarchived."""
    deleted: bool = False


@dataclass(slots=True)
class TaskRow:
    """A task; `plan` is None until the event that plans the task is received."""

    task_id: UUID
    run_id: UUID
    plan: dict[str, Any] | None = None
    state: TaskState = TaskState.PENDING
    attempt: int = 0
    rank: float = 0.0
    """How far `state` is within an attempt; see `projection`."""
    detail: str | None = None
    inputs: dict[str, Any] | None = None
    inputs_attempt: int = 0
    outputs: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None
    fingerprint: dict[str, Any] | None = None
    """Its digest, its parts, and the attempt that reported it."""
    log: str | None = None
    """The key of the log's object, where `log_text` is None."""
    log_text: str | None = None
    """The whole log, where it is short."""
    place: str | None = None
    """Where the attempt `log_attempt` runs or ran."""
    log_attempt: int = 0
    """The attempt that the log and the timestamps belong to."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


Rows = tuple[dict[UUID, RunRow], dict[UUID, TaskRow]]
"""Runs and tasks by id."""

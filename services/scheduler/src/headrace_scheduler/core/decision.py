"""A decision as data, and the lookups that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.messages.commands import AttemptCommand
from headrace_contracts.messages.events import Fingerprint, Origin, RunEvent, TaskEvent
from headrace_contracts.values import Outputs

from headrace_scheduler.core.run import TaskRecord


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question: may this task take the outputs of an earlier execution?"""

    task_id: UUID
    path: str
    fingerprint: Fingerprint
    cached: bool
    """Whether any execution in the cache will do, or only one of the run that is rerun."""


@dataclass(frozen=True, slots=True)
class EarlierOutputs:
    """The outputs of an earlier execution, and the task that made them."""

    outputs: Outputs
    origin: Origin


@dataclass(frozen=True, slots=True)
class LookupAnswered:
    """The answer to a lookup; `found` is None if there are no such outputs. Never on the bus."""

    run_id: UUID
    task_id: UUID
    found: EarlierOutputs | None
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Outputs that later executions with the same fingerprint may take."""

    fingerprint: str
    task_id: UUID
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Decision:
    """The changes of a run and the messages about them; empty when nothing changes."""

    header_changed: bool = False
    tasks: Sequence[TaskRecord] = ()
    commands: Sequence[AttemptCommand] = ()
    events: Sequence[RunEvent | TaskEvent] = ()
    lookups: Sequence[Lookup] = ()
    cache: Sequence[CacheEntry] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write or publish."""
        return not (self.header_changed or self.tasks or self.commands or self.events)

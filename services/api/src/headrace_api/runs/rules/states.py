"""The run states that the api stores: which event leads to which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headrace_contracts.messages.events import RunCanceled, RunFailed, RunRetried, RunSucceeded
from headrace_contracts.states import RunState

RunStateEvent = RunRetried | RunSucceeded | RunFailed | RunCanceled

_STATES = {
    RunRetried: RunState.RUNNING,
    RunSucceeded: RunState.SUCCEEDED,
    RunFailed: RunState.FAILED,
    RunCanceled: RunState.CANCELED,
}


@dataclass(frozen=True, slots=True)
class RunStateUpdate:
    """The state of a run according to one event."""

    run_id: UUID
    state: RunState
    revision: int
    """Grows with each state of a run, and so orders its events."""
    ended_at: datetime | None
    """None while the run has not ended."""


def state_update(event: RunStateEvent, at: datetime) -> RunStateUpdate:
    """What to store for an event that arrives at a time. The time in the event is by the clock of
    another process, and retention must not depend on that."""
    state = _STATES[type(event)]
    return RunStateUpdate(event.run_id, state, event.revision, at if state.final else None)

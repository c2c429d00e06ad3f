"""What the events of a run's end mean for the api."""

from __future__ import annotations

from datetime import datetime

from headrace_contracts.events import RunCanceled, RunFailed, RunRetried, RunSucceeded
from headrace_contracts.states import RunState

Heard = RunRetried | RunSucceeded | RunFailed | RunCanceled

_STATES = {
    RunRetried: RunState.RUNNING,
    RunSucceeded: RunState.SUCCEEDED,
    RunFailed: RunState.FAILED,
    RunCanceled: RunState.CANCELED,
}


def heard_state(event: Heard, at: datetime) -> tuple[RunState, datetime | None]:
    """The state that an event tells of, and since when the run has ended if it has."""
    state = _STATES[type(event)]
    return state, at if state.final else None

"""What the gateway reads from the services beyond the shared resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace_contracts.base import Contract, Instant
from headrace_contracts.states import RunState


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run at one version: its JSON, and the two fields that the gateway itself uses."""

    version: int
    state: RunState
    body: bytes


class RunEvent(Contract):
    """One event of a run's history."""

    seq: int
    """Position in the history; increases within a run, with gaps."""
    event_id: str
    type: str
    """The event's name in the message catalogue, such as ``task.succeeded``."""
    time: Instant
    body: dict[str, Any]
    """The event itself, as described in the message catalogue."""


class RunEvents(Contract):
    """Some of a run's events, in the order in which they were recorded."""

    events: tuple[RunEvent, ...] = ()

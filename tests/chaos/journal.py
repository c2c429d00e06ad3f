"""What the harness did and saw, in the order in which it happened. Checks read it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

_PRINTED = 4
"""So many violations of one check are printed at once; the report has all."""
_LOAD_SECONDS = 60.0
_OWN_LOAD = 2.0
"""The load per core that a campaign itself may make on a small machine."""
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


@dataclass(slots=True)
class Operation:
    """A cancellation, retry or deletion of a run. `status`: that of the answer; 0 for none."""

    kind: str
    at: float
    status: int = 0


@dataclass(slots=True)
class Submission:
    """One run that was asked for, however often the request was repeated."""

    number: int
    kind: str
    door: str
    """``http``, ``event`` or ``canary``."""
    key: str | None
    """Idempotency key. Without one, a request is sent once."""
    states: frozenset[str]
    """The states in which the run may end."""
    round: int
    sent: float = 0.0
    """When the first request was sent."""
    requests: int = 0
    answered: float | None = None
    run_ids: list[str] = field(default_factory=list)
    """The run of each answer: all have to be the same."""
    last_answer: str = ""
    """The last answer that was not an acknowledgement."""
    refused: str | None = None
    """Why the request was rejected for good."""
    operations: list[Operation] = field(default_factory=list)
    seen_ended: float | None = None
    """When a canary was seen to have ended."""
    final_state: str | None = None
    """In which state a canary was seen to have ended."""

    @property
    def name(self) -> str:
        """The run's display name, by which it is found when no answer named the run."""
        return f"{self.kind} {self.number}"

    @property
    def run_id(self) -> str | None:
        """The run, if an answer named it."""
        return self.run_ids[0] if self.run_ids else None

    def did(self, kind: str) -> bool:
        """Whether an operation was asked for, with whatever answer."""
        return any(operation.kind == kind for operation in self.operations)


@dataclass(slots=True)
class Fault:
    """One thing that was done to the deployment."""

    number: int
    kind: str
    target: str
    parameters: str
    round: int
    began: float
    ended: float | None = None
    detail: str = ""
    """What was hit: process ids, or why nothing was."""
    hit: bool = False
    pids: tuple[int, ...] = ()
    launches: tuple[str, ...] = ()
    """The launches whose launcher or step was hit."""

    def active_at(self, at: float, margin: float = 0.0) -> bool:
        """Whether the fault lasted at this time, or until `margin` seconds before it."""
        return self.began <= at and (self.ended is None or at <= self.ended + margin)


@dataclass(slots=True)
class Answer:
    """A response of the gateway that was slow, or whose status is a server's fault."""

    at: float
    request: str
    status: int
    seconds: float
    body: str


@dataclass(slots=True)
class Stream:
    """The live events of a run, as one subscriber got them over all its connections."""

    run_id: str
    events: list[tuple[int, str]] = field(default_factory=list)
    """Sequence number and event id."""
    ended: bool = False
    connections: int = 0


@dataclass(slots=True)
class Status:
    """What ``headrace status`` said."""

    at: float
    state: str
    restarts: dict[str, int]


@dataclass(slots=True)
class Violation:
    """A broken promise, with what is needed to understand it."""

    check: str
    message: str
    subject: str = ""
    """The run, canary, fault or process that it is about."""
    at: float | None = None
    details: Any = None


@dataclass(slots=True)
class Journal:
    """All of it. `round`: the round that is running."""

    seed: str
    began: float = field(default_factory=time.time)
    round: int = 0
    submissions: list[Submission] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    loads: list[tuple[float, float]] = field(default_factory=list)
    """The machine's load average per core, by time."""
    violations: list[Violation] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Kinds of faults that this machine cannot have, and why."""

    def violate(self, violation: Violation) -> None:
        """Add a violation, once for each check and subject."""
        same = (violation.check, violation.subject)
        if violation.subject and same in {(v.check, v.subject) for v in self.violations}:
            return
        self.violations.append(violation)
        if sum(v.check == violation.check for v in self.violations) <= _PRINTED:
            print(f"VIOLATION {violation.check}: {violation.message}", flush=True)

    def slack(self, at: float) -> float:
        """By how much limits of time are multiplied at this time, since others use the machine."""
        near = [load for when, load in self.loads if abs(when - at) < _LOAD_SECONDS]
        return max(1.0, max(near, default=0.0) / _OWN_LOAD)

    def canaries(self, of_round: int | None = None) -> list[Submission]:
        """The canaries, of all rounds or one."""
        return [
            one
            for one in self.submissions
            if one.door == "canary" and (of_round is None or one.round == of_round)
        ]

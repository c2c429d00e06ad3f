"""What a check reads: the journal, and what was collected from outside when all was quiet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.journal import Fault, Journal, Submission
from tests.chaos.workload.recurring import Recurring


@dataclass(slots=True)
class Execution:
    """One execution of a step, as it recorded itself."""

    run: str
    task: str
    attempt: int
    nonce: str
    step: str
    launch: str
    pid: int
    launcher: int
    """The process id of its launcher; 0 if that was gone already."""
    began: float
    ended: float | None = None
    how: str | None = None
    """``succeeded`` or ``failed``; None if it did not come to its end."""
    saw: dict[str, str] = field(default_factory=dict)
    """The nonces that it found in its input parameter and its input artifact."""
    overlaps: list[str] = field(default_factory=list)
    """The nonces of other executions of the same task that were alive at its start."""


@dataclass(slots=True)
class Backlog:
    """A consumer of the bus: messages that it has not got, and not acknowledged."""

    consumer: str
    pending: int
    unacknowledged: int


@dataclass(slots=True)
class Observation:
    """Everything about the runs of one round, and the state of the deployment after it."""

    journal: Journal
    round: int
    mode: str
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Runs with their tasks, by id, as Headrace's own API has them. Deleted ones are missing."""
    by_name: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the listed runs of each display name."""
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    """The state of each run according to each source: ``kfp``, ``api``, ``scheduler``,
    ``recorder``. A run that a source does not have is missing there."""
    events: dict[str, list[tuple[int, str, str, float]]] = field(default_factory=dict)
    """Sequence number, id, type and time of the events of each run that was looked at."""
    logs: dict[tuple[str, str], int] = field(default_factory=dict)
    """The HTTP status for the log of each task that was looked at, by run and task."""
    executions: dict[str, list[Execution]] = field(default_factory=dict)
    """By run, in the order of their starts."""
    recurring: list[Recurring] = field(default_factory=list)
    open_recurring: list[str] = field(default_factory=list)
    """Runs of disabled recurring runs that have not ended."""
    orphans: list[str] = field(default_factory=list)
    """Command lines of processes that should have ended."""
    folders: list[str] = field(default_factory=list)
    """What is left in the folder of running steps."""
    objects: list[str] = field(default_factory=list)
    """The keys of objects of deleted runs."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows that should be gone or settled, by what they are."""
    backlog: list[Backlog] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    unbounded: list[str] = field(default_factory=list)
    """Streams of the bus without a limit of bytes."""
    processes: dict[str, int] = field(default_factory=dict)
    """How many processes of each role run."""
    shared_sockets: list[str] = field(default_factory=list)
    """Sockets that are open in processes that have no business with them."""
    idle_cpu: float | None = None
    """CPU seconds per second of all processes, after the end."""
    exits: list[tuple[float, str, str]] = field(default_factory=list)
    """Time, program and status of each end of a program, as the supervisor logged it."""
    strict_times: bool = True
    """Whether times are judged. On a loaded machine they are only reported."""

    def submissions(self) -> list[Submission]:
        """The submissions of this round."""
        return [one for one in self.journal.submissions if one.round == self.round]

    def faults(self, *kinds: str) -> list[Fault]:
        """The faults that hit something, of these kinds or of all."""
        return [f for f in self.journal.faults if f.hit and (not kinds or f.kind in kinds)]

    def faults_of_round(self) -> list[Fault]:
        """The faults of this round that hit something."""
        return [fault for fault in self.faults() if fault.round == self.round]

    def last_execution(self, run: str, task: str, attempt: int) -> list[Execution]:
        """The executions of one attempt."""
        found = self.executions.get(run, [])
        return [e for e in found if e.task == task and e.attempt == attempt]

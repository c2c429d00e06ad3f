"""Where each message travels: streams, subjects and durable consumer names.

The partition token is part of a run's subjects for life: it lets a service split its work by run
later, without a change in any publisher. So the number of partitions never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from uuid import UUID

PARTITIONS = 64

EVENTS = "EVENTS"
COMMANDS = "COMMANDS"
DEAD_LETTERS = "DEAD_LETTERS"

SUBMIT_RUN = "cmd.run.submit"
"""Programs publish their submit messages here."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as provisioned: what it keeps, and for how long."""

    name: str
    subjects: tuple[str, ...]
    max_age_hours: int


STREAMS = (
    Stream(EVENTS, ("evt.>",), 72),
    Stream(COMMANDS, ("cmd.>",), 72),
    Stream(DEAD_LETTERS, ("dlq.>",), 24 * 30),
)


def partition(run_id: UUID) -> int:
    """The partition of a run: 0 to 63, the same in every process."""
    return int.from_bytes(blake2s(run_id.bytes, digest_size=8).digest(), "big") % PARTITIONS


def _of_run(run_id: UUID) -> str:
    return f"p{partition(run_id):02d}.{run_id}"


def run_event(run_id: UUID, kind: str) -> str:
    """Events of the run as a whole; `kind` is a word such as ``submitted``."""
    return f"evt.run.{_of_run(run_id)}.{kind}"


def task_event(run_id: UUID, kind: str) -> str:
    """Events of a task of the run."""
    return f"evt.task.{_of_run(run_id)}.{kind}"


def attempt_event(run_id: UUID, kind: str) -> str:
    """Events of an attempt, from the executor that runs it."""
    return f"evt.attempt.{_of_run(run_id)}.{kind}"


def attempt_command(cluster: str, run_id: UUID, kind: str) -> str:
    """Commands to the executor of one cluster."""
    return f"cmd.attempt.{cluster}.{_of_run(run_id)}.{kind}"


def submission_event(request_id: str, kind: str) -> str:
    """Answers to a submit message; the request id is the message's CloudEvents id."""
    return f"evt.submission.{token(request_id)}.{kind}"


def dead_letter(service: str) -> str:
    """Where a service sets aside a message that it cannot read."""
    return f"dlq.{service}"


def live_run(run_id: UUID | str) -> str:
    """Outside any stream: the recorder's word that a run's view has changed."""
    return f"live.run.{run_id}"


def token(text: str) -> str:
    """`text` as one subject token: itself where its characters allow, else a digest of it."""
    plain = text.isascii() and all(c.isalnum() or c in "-_" for c in text)
    if text and plain and len(text) <= 128:
        return text
    return "x" + blake2s(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a service reads: one durable consumer, shared by the service's replicas."""

    stream: str
    durable: str
    filters: tuple[str, ...]


API_SUBMISSIONS = Subscription(COMMANDS, "api-submissions", (SUBMIT_RUN,))
SCHEDULER_EVENTS = Subscription(
    EVENTS,
    "scheduler-events",
    (
        "evt.run.*.*.submitted",
        "evt.run.*.*.cancel_requested",
        "evt.run.*.*.pause_requested",
        "evt.run.*.*.resume_requested",
        "evt.run.*.*.retry_requested",
        "evt.run.*.*.deleted",
        "evt.attempt.*.*.succeeded",
        "evt.attempt.*.*.failed",
    ),
)
API_EVENTS = Subscription(
    EVENTS,
    "api-events",
    (
        "evt.run.*.*.retried",
        "evt.run.*.*.succeeded",
        "evt.run.*.*.failed",
        "evt.run.*.*.canceled",
    ),
)
"""How runs end: what the api has to know for retries, recurring runs and retention."""
RUN_EVENTS = "evt.run."
"""How the subjects of a run's own events begin."""
RECORDER_EVENTS = Subscription(EVENTS, "recorder-events", ("evt.>",))


def executor_commands(cluster: str) -> Subscription:
    """The commands of one cluster's executor."""
    return Subscription(COMMANDS, f"executor-{cluster}", (f"cmd.attempt.{cluster}.>",))

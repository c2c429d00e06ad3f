"""Streams, subjects and durable consumer names.

Every subject of a run contains its partition, so that a service can later split its work by run
without a change in publishers. The number of partitions never changes.
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
"""The subject of submit messages from programs."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The definition of a stream. Without a maximum age it keeps each message until all its
    readers have acknowledged it, and refuses new ones when it is full: it drops nothing that a
    reader still needs. With one it drops its oldest messages, by age and when it is full."""

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    max_age_hours: int | None = None


STREAMS = (
    Stream(EVENTS, ("evt.>",), 1024**3),
    Stream(COMMANDS, ("cmd.>",), 1024**3),
    Stream(DEAD_LETTERS, ("dlq.>",), 256 * 1024**2, 24 * 30),
)


def stream_of(subject: str) -> str:
    """The name of the stream that has the messages of a subject."""
    family = subject.partition(".")[0]
    return next(stream.name for stream in STREAMS if stream.subjects == (f"{family}.>",))


def partition(run_id: UUID) -> int:
    """The partition of a run: 0 to 63, the same in every process."""
    return int.from_bytes(blake2s(run_id.bytes, digest_size=8).digest(), "big") % PARTITIONS


def _of_run(run_id: UUID) -> str:
    return f"p{partition(run_id):02d}.{run_id}"


def run_event(run_id: UUID, kind: str) -> str:
    """The subject of an event of a run; `kind` is for example ``submitted``."""
    return f"evt.run.{_of_run(run_id)}.{kind}"


def task_event(run_id: UUID, kind: str) -> str:
    """The subject of an event of a task."""
    return f"evt.task.{_of_run(run_id)}.{kind}"


def attempt_event(run_id: UUID, kind: str) -> str:
    """The subject of an event of an attempt."""
    return f"evt.attempt.{_of_run(run_id)}.{kind}"


def attempt_command(cluster: str, run_id: UUID, kind: str) -> str:
    """The subject of a command to the executor of one cluster."""
    return f"cmd.attempt.{cluster}.{_of_run(run_id)}.{kind}"


def submission_event(request_id: str, kind: str) -> str:
    """The subject of the response to a submit message. The request id is the CloudEvents id of the
    message."""
    return f"evt.submission.{token(request_id)}.{kind}"


def dead_letter(service: str) -> str:
    """The subject for messages that a service cannot handle."""
    return f"dlq.{service}"


def live_run(run_id: UUID | str) -> str:
    """The subject on which the recorder announces changes of a run; not part of a stream."""
    return f"live.run.{run_id}"


def token(text: str) -> str:
    """`text` as one subject token; a digest of it if it has characters that tokens cannot have."""
    plain = text.isascii() and all(c.isalnum() or c in "-_" for c in text)
    if text and plain and len(text) <= 128:
        return text
    return "x" + blake2s(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A durable consumer, shared by the replicas of a service."""

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
"""The ends of runs, which the api needs for retries, recurring runs and retention."""
RUN_EVENTS = "evt.run."
"""The prefix of the subjects of run events."""
RECORDER_EVENTS = Subscription(EVENTS, "recorder-events", ("evt.>",))
EVENT_READERS = (API_EVENTS, SCHEDULER_EVENTS, RECORDER_EVENTS)
"""All that read events."""


def executor_commands(cluster: str) -> Subscription:
    """The commands to the executor of one cluster."""
    return Subscription(COMMANDS, f"executor-{cluster}", (f"cmd.attempt.{cluster}.>",))


def command_readers(cluster: str) -> tuple[Subscription, ...]:
    """All that read commands, with the executor of one cluster."""
    return API_SUBMISSIONS, executor_commands(cluster)

"""Who may publish and read what on the bus: each service what it needs and nothing else.

Every service provisions the streams, and the one consumer that it reads; so it may make and update
them, and may neither delete nor empty them. A program may submit runs and read events.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from headrace_contracts import subjects
from headrace_contracts.subjects import Subscription

PROGRAM = "program"
"""The user of programs that submit runs by message."""
_RUN = UUID(int=0)
_RUN_TOKENS = 2
"""A partition and a run id stand in every subject of a run."""


@dataclass(frozen=True, slots=True)
class BusRights:
    """Subjects, with NATS' wildcards, that a user may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    deny_subscribe: tuple[str, ...] = ()
    """Of what `subscribe` allows, what stays forbidden."""


def inbox(user: str) -> str:
    """The prefix of the subjects on which a user gets answers."""
    return f"_INBOX.{user}"


def _any(subject: str) -> str:
    """A subject of one run as that of any run."""
    return subject.replace(f"p{subjects.partition(_RUN):02d}.{_RUN}", ".".join("*" * _RUN_TOKENS))


def _run_events(*kinds: str) -> tuple[str, ...]:
    return tuple(_any(subjects.run_event(_RUN, kind)) for kind in kinds)


def bus_rights(cluster: str = "local") -> dict[str, BusRights]:
    """The rights of each service and of programs, by user. `cluster` is what the executor runs
    attempts for."""
    anybody = "*"
    sent = {
        "api": (
            *_run_events("submitted", "cancel_requested", "pause_requested", "resume_requested"),
            *_run_events("retry_requested", "archived", "unarchived", "deleted"),
            subjects.submission_event("any", anybody).replace(".any.", ".*."),
        ),
        "scheduler": (
            *_run_events("started", "tasks_planned", "paused", "resumed", "canceling", "retried"),
            *_run_events("succeeded", "failed", "canceled"),
            _any(subjects.task_event(_RUN, anybody)),
            _any(subjects.attempt_command(anybody, _RUN, anybody)),
        ),
        "executor": (_any(subjects.attempt_event(_RUN, anybody)),),
        "recorder": (subjects.live_run(anybody),),
        "ui_gateway": (),
    }
    read = {
        "api": (subjects.API_SUBMISSIONS, subjects.API_EVENTS),
        "scheduler": (subjects.SCHEDULER_EVENTS,),
        "executor": (subjects.executor_commands(cluster),),
        "recorder": (subjects.RECORDER_EVENTS,),
        "ui_gateway": (),
    }
    heard = {"ui_gateway": (subjects.live_run(anybody),)}
    rights = {
        service: BusRights(
            publish=(
                *published,
                subjects.dead_letter(service),
                *_provisioning(),
                *(subject for one in read[service] for subject in _consuming(one)),
            ),
            subscribe=(f"{inbox(service)}.>", *heard.get(service, ())),
        )
        for service, published in sent.items()
    }
    # A program's client library draws inboxes of its own, so it gets all but the services'.
    rights[PROGRAM] = BusRights(
        publish=(subjects.SUBMIT_RUN,),
        subscribe=("evt.>", "_INBOX.>"),
        deny_subscribe=tuple(f"{inbox(service)}.>" for service in sent),
    )
    return rights


def _provisioning() -> tuple[str, ...]:
    """Making the streams and bringing them up to date."""
    return tuple(
        f"$JS.API.STREAM.{verb}.{stream.name}"
        for stream in subjects.STREAMS
        for verb in ("INFO", "CREATE", "UPDATE")
    )


def _consuming(subscription: Subscription) -> tuple[str, ...]:
    """Making one consumer, asking it for messages, and answering for them."""
    place = f"{subscription.stream}.{subscription.durable}"
    return (
        f"$JS.API.CONSUMER.DURABLE.CREATE.{place}",
        f"$JS.API.CONSUMER.MSG.NEXT.{place}",
        f"$JS.ACK.{place}.>",
    )

"""Which subjects each user of the bus may publish and subscribe to: what it needs, nothing else.

A service that reads a subscription provisions the streams and its own consumers: it may create and
update them, but neither delete nor purge them. A service that publishes sees how far the readers
are. A program may submit runs and subscribe to events.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.messages import subjects
from headrace_contracts.messages.subjects import Subscription

PROGRAM = "program"
"""The user of programs that submit runs by message."""
_ANY = "*"
_RUN = UUID(int=0)


@dataclass(frozen=True, slots=True)
class BusRights:
    """The subjects, with NATS' wildcards, that a user may publish and subscribe to; an empty tuple
    is none."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    deny_subscribe: tuple[str, ...] = ()
    """Exceptions from `subscribe`."""


def inbox(user: str) -> str:
    """The subject prefix of the replies to a user's requests."""
    return f"_INBOX.{user}"


def _of_any_run(subject: str) -> str:
    """The pattern that matches the subject of `_RUN` for every run."""
    return subject.replace(f"p{subjects.partition(_RUN):02d}.{_RUN}", "*.*")


def _run_events(*kinds: str) -> tuple[str, ...]:
    return tuple(_of_any_run(subjects.run_event(_RUN, kind)) for kind in kinds)


def bus_rights(cluster: str = "local") -> dict[str, BusRights]:
    """The rights by user: each service, and `PROGRAM`. `cluster` is the one whose launches the
    executor takes."""
    published: dict[str, tuple[str, ...]] = {
        "api": (
            *_run_events("submitted", "cancel_requested", "pause_requested", "resume_requested"),
            *_run_events("retry_requested", "archived", "unarchived", "deleted"),
            subjects.submission_event("any", _ANY).replace(".any.", ".*."),
        ),
        "scheduler": (
            *_run_events("started", "tasks_planned", "paused", "resumed", "canceling", "retried"),
            *_run_events("succeeded", "failed", "canceled"),
            _of_any_run(subjects.task_event(_RUN, _ANY)),
            _of_any_run(subjects.attempt_command(_ANY, _RUN, _ANY)),
        ),
        "executor": (_of_any_run(subjects.attempt_event(_RUN, _ANY)),),
        "recorder": (subjects.live_run(_ANY),),
    }
    consumed: dict[str, tuple[Subscription, ...]] = {
        "api": (subjects.API_SUBMISSIONS, subjects.API_EVENTS),
        "scheduler": (subjects.SCHEDULER_EVENTS,),
        "executor": (subjects.executor_commands(cluster),),
        "recorder": (subjects.RECORDER_EVENTS,),
    }
    read_by: dict[str, tuple[Subscription, ...]] = {
        "api": subjects.EVENT_READERS,
        "scheduler": (*subjects.EVENT_READERS, *subjects.command_readers(cluster)),
        "executor": subjects.EVENT_READERS,
        "recorder": (),
    }
    rights = {
        service: BusRights(
            publish=(
                *published[service],
                subjects.dead_letter(service),
                *_provisioning(),
                *(_position(subscription) for subscription in read_by[service]),
                *(subject for one in consumed[service] for subject in _consuming(one)),
            ),
            subscribe=(f"{inbox(service)}.>",),
        )
        for service in published
    }
    # The gateway makes no requests on the bus, so it needs no inbox.
    rights["ui_gateway"] = BusRights(publish=(), subscribe=(subjects.live_run(_ANY),))
    # NATS clients generate their own inbox names, so a program gets every inbox but the services'.
    rights[PROGRAM] = BusRights(
        publish=(subjects.SUBMIT_RUN,),
        subscribe=("evt.>", "_INBOX.>"),
        deny_subscribe=tuple(f"{inbox(service)}.>" for service in published),
    )
    return rights


def _provisioning() -> tuple[str, ...]:
    """To create the streams and to update them."""
    return tuple(
        f"$JS.API.STREAM.{verb}.{stream.name}"
        for stream in subjects.STREAMS
        for verb in ("INFO", "CREATE", "UPDATE")
    )


def _position(subscription: Subscription) -> str:
    """To see up to which message a consumer has acknowledged."""
    return f"$JS.API.CONSUMER.INFO.{subscription.stream}.{subscription.durable}"


def _consuming(subscription: Subscription) -> tuple[str, ...]:
    """To create one consumer, pull its messages and acknowledge them."""
    consumer = f"{subscription.stream}.{subscription.durable}"
    return (
        f"$JS.API.CONSUMER.DURABLE.CREATE.{consumer}",
        f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",
        f"$JS.ACK.{consumer}.>",
    )

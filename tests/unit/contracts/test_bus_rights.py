"""Every message has exactly one publisher, and every subscription exactly one consumer."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import pytest
from headrace_contracts.messages import subjects
from headrace_contracts.messages.bus_rights import PROGRAM, BusRights, bus_rights, inbox
from headrace_contracts.messages.commands import ATTEMPT_COMMAND
from headrace_contracts.messages.events import EVENT

RUN = UUID("01900000-0000-7000-8000-000000000000")
RIGHTS = bus_rights()


def kinds(adapter: object) -> list[str]:
    """The message types of a union."""
    union = get_args(adapter._type)[0]  # type: ignore[attr-defined]
    return sorted(member.model_fields["type"].default for member in get_args(union))


def matches(pattern: str, subject: str) -> bool:
    """As the server matches: ``*`` is one token, ``>`` the rest."""
    wanted, given = pattern.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(given) > index
        if index >= len(given) or token not in ("*", given[index]):
            return False
    return len(wanted) == len(given)


def publishers(subject: str) -> set[str]:
    return {
        user
        for user, rights in RIGHTS.items()
        if any(matches(pattern, subject) for pattern in rights.publish)
    }


def _subject(kind: str) -> str:
    family, _, name = kind.partition(".")
    if family == "submission":
        return subjects.submission_event("request", name)
    make = {
        "run": subjects.run_event,
        "task": subjects.task_event,
        "attempt": subjects.attempt_event,
    }[family]
    return make(RUN, name)


@pytest.mark.parametrize("kind", kinds(EVENT))
def test_an_event_has_one_publisher(kind: str) -> None:
    assert len(publishers(_subject(kind))) == 1


@pytest.mark.parametrize("kind", kinds(ATTEMPT_COMMAND))
def test_a_command_comes_from_the_scheduler_alone(kind: str) -> None:
    name = kind.partition(".")[2]
    assert publishers(subjects.attempt_command("local", RUN, name)) == {"scheduler"}


def test_a_program_submits_and_does_nothing_else() -> None:
    assert RIGHTS[PROGRAM].publish == (subjects.SUBMIT_RUN,)
    assert publishers(subjects.SUBMIT_RUN) == {PROGRAM}


def test_live_updates_come_from_the_recorder() -> None:
    assert publishers(subjects.live_run(RUN)) == {"recorder"}


def test_no_user_may_delete_or_purge_a_stream_or_read_it_by_sequence_number() -> None:
    for verb in ("DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"):
        for stream in subjects.STREAMS:
            assert publishers(f"$JS.API.STREAM.{verb}.{stream.name}") == set()


@pytest.mark.parametrize(
    "subscription",
    [
        subjects.API_SUBMISSIONS,
        subjects.API_EVENTS,
        subjects.SCHEDULER_EVENTS,
        subjects.RECORDER_EVENTS,
        subjects.executor_commands("local"),
    ],
    ids=lambda subscription: subscription.durable,
)
def test_a_subscription_has_one_reader(subscription: subjects.Subscription) -> None:
    consumer = f"{subscription.stream}.{subscription.durable}"
    (reader,) = publishers(f"$JS.API.CONSUMER.MSG.NEXT.{consumer}")
    assert subscription.durable.startswith(reader)
    assert publishers(f"$JS.ACK.{consumer}.1.2.3.4.5") == {reader}
    assert publishers(f"$JS.API.CONSUMER.DURABLE.CREATE.{consumer}") == {reader}


@pytest.mark.parametrize(
    ("subscription", "services"),
    [
        (subjects.SCHEDULER_EVENTS, {"api", "scheduler", "executor"}),
        (subjects.RECORDER_EVENTS, {"api", "scheduler", "executor"}),
        (subjects.executor_commands("local"), {"scheduler"}),
    ],
    ids=lambda value: getattr(value, "durable", None),
)
def test_who_publishes_sees_how_far_the_readers_are(
    subscription: subjects.Subscription, services: set[str]
) -> None:
    consumer = f"{subscription.stream}.{subscription.durable}"
    assert publishers(f"$JS.API.CONSUMER.INFO.{consumer}") == services


def test_a_user_receives_the_replies_to_its_own_requests_alone() -> None:
    for user, rights in RIGHTS.items():
        for other in set(RIGHTS) - {"ui_gateway"}:
            reply = f"{inbox(other)}.x.1"
            allowed = any(matches(pattern, reply) for pattern in rights.subscribe)
            denied = any(matches(pattern, reply) for pattern in rights.deny_subscribe)
            assert (allowed and not denied) is (user == other)


def test_a_consuming_service_publishes_dead_letters_in_its_own_name() -> None:
    for service in set(RIGHTS) - {PROGRAM, "ui_gateway"}:
        assert publishers(subjects.dead_letter(service)) == {service}


def test_the_gateway_subscribes_to_live_updates_and_publishes_nothing() -> None:
    assert RIGHTS["ui_gateway"] == BusRights(publish=(), subscribe=("live.run.*",))


def test_the_executor_of_another_cluster_reads_other_commands() -> None:
    rights = bus_rights("east")["executor"]
    assert "$JS.API.CONSUMER.MSG.NEXT.COMMANDS.executor-east" in rights.publish

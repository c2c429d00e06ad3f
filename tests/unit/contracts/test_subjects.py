"""Subjects, partitions and filters: which publishers and consumers must agree on forever."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from headrace_contracts import schema
from headrace_contracts.base import Contract
from headrace_contracts.messages import commands, events, subjects
from headrace_contracts.messages.subjects import Subscription

RUN_ID = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")
PLACE = f"p11.{RUN_ID}"


@pytest.mark.parametrize(
    ("run_id", "expected"),
    [
        ("00000000-0000-0000-0000-000000000000", 46),
        ("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01", 11),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 6),
        ("6f2f1a4e-0d0b-5c6e-9c1b-6865616472ce", 36),
    ],
)
def test_a_run_keeps_its_partition(run_id: str, expected: int) -> None:
    assert subjects.partition(UUID(run_id)) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (subjects.run_event(RUN_ID, "submitted"), f"evt.run.{PLACE}.submitted"),
        (subjects.task_event(RUN_ID, "ready"), f"evt.task.{PLACE}.ready"),
        (subjects.attempt_event(RUN_ID, "failed"), f"evt.attempt.{PLACE}.failed"),
        (
            subjects.attempt_command("local", RUN_ID, "launch"),
            f"cmd.attempt.local.{PLACE}.launch",
        ),
        (subjects.submission_event("req-1", "accepted"), "evt.submission.req-1.accepted"),
        (subjects.dead_letter("api"), "dlq.api"),
        (subjects.live_run(RUN_ID), f"live.run.{RUN_ID}"),
        (subjects.SUBMIT_RUN, "cmd.run.submit"),
    ],
)
def test_subjects(subject: str, expected: str) -> None:
    assert subject == expected


def test_the_partition_has_two_digits() -> None:
    single = next(UUID(int=i) for i in range(1000) if subjects.partition(UUID(int=i)) == 7)
    assert subjects.run_event(single, "x").split(".")[2] == "p07"


@pytest.mark.parametrize("text", ["nightly-2026", "A_b", "0", "a" * 128])
def test_a_text_of_plain_characters_is_its_own_token(text: str) -> None:
    assert subjects.token(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x64550d6ffe2c0a01a14aba1eade0200c"),
        ("a.b", "x33b0a8e2799745556aaba8df9e1ddc48"),
        (">", "xfc40829c236b815698e52d7be7d1fa59"),
        ("ü", "x408ccbbba7a8bc0f78ffee06a7c3f476"),
        ("a" * 129, "x73d6d9cc150e94d43fe2995e7901bfeb"),
    ],
)
def test_any_other_text_becomes_its_digest(text: str, expected: str) -> None:
    assert subjects.token(text) == expected


def sample(model: type[Contract]) -> str:
    """The subject of a message of this type."""
    message = model.model_construct(
        type=model.model_fields["type"].default,
        run_id=RUN_ID,
        request_id="req-1",
        cluster="local",
    )
    subject: str = message.subject  # type: ignore[attr-defined]
    return subject


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a NATS filter."""
    expression = re.escape(pattern).replace(r"\*", "[^.]+").replace(">", ".+")
    return re.fullmatch(expression, subject) is not None


def read_by(subscription: Subscription) -> set[type[Contract]]:
    models = schema.EVENTS if subscription.stream == subjects.EVENTS else schema.COMMANDS
    return {
        model
        for model in models
        if any(matches(pattern, sample(model)) for pattern in subscription.filters)
    }


def test_each_service_subscribes_to_what_it_needs_alone() -> None:
    assert read_by(subjects.SCHEDULER_EVENTS) == {
        events.RunSubmitted,
        events.RunCancelRequested,
        events.RunPauseRequested,
        events.RunResumeRequested,
        events.RunRetryRequested,
        events.RunDeleted,
        events.AttemptSucceeded,
        events.AttemptFailed,
    }
    assert read_by(subjects.API_EVENTS) == {
        events.RunRetried,
        events.RunSucceeded,
        events.RunFailed,
        events.RunCanceled,
    }
    assert read_by(subjects.RECORDER_EVENTS) == set(schema.EVENTS)
    assert read_by(subjects.API_SUBMISSIONS) == {commands.SubmitRun}
    assert read_by(subjects.executor_commands("local")) == {
        commands.LaunchAttempt,
        commands.CancelAttempt,
        commands.CleanRun,
    }
    assert read_by(subjects.executor_commands("elsewhere")) == set()


@pytest.mark.parametrize("model", [*schema.EVENTS, *schema.COMMANDS], ids=lambda m: m.__name__)
def test_every_message_is_in_exactly_one_stream(model: type[Contract]) -> None:
    expected = subjects.EVENTS if model in schema.EVENTS else subjects.COMMANDS
    landing = [
        stream.name
        for stream in subjects.STREAMS
        if any(matches(pattern, sample(model)) for pattern in stream.subjects)
    ]
    assert landing == [expected]


@pytest.mark.parametrize("model", schema.EVENTS, ids=lambda m: m.__name__)
def test_the_subject_ends_with_the_kind_of_the_type(model: type[Contract]) -> None:
    family, _, kind = model.model_fields["type"].default.partition(".")
    assert sample(model).split(".")[1] == family
    assert sample(model).split(".")[-1] == kind


def test_live_updates_and_dead_letters_are_not_in_the_events() -> None:
    for stream in (subjects.EVENTS, subjects.COMMANDS):
        patterns = next(s.subjects for s in subjects.STREAMS if s.name == stream)
        for subject in (subjects.live_run(RUN_ID), subjects.dead_letter("api")):
            assert not any(matches(pattern, subject) for pattern in patterns)


def test_every_subscription_is_among_the_readers_of_its_stream() -> None:
    """A message leaves the bus and the outbox when all of these have acknowledged it."""
    readers = {*subjects.EVENT_READERS, *subjects.command_readers("local")}
    declared = {one for one in vars(subjects).values() if isinstance(one, Subscription)}
    assert readers == {*declared, subjects.executor_commands("local")}
    assert {one.stream for one in subjects.EVENT_READERS} == {subjects.EVENTS}
    assert {one.stream for one in subjects.command_readers("local")} == {subjects.COMMANDS}


def test_what_has_readers_is_bounded_by_bytes_and_never_by_age() -> None:
    """A message that a reader still needs is not dropped: the stream refuses new ones instead."""
    for stream in subjects.STREAMS:
        assert 0 < stream.max_bytes <= 1024**3
        has_readers = stream.name in (subjects.EVENTS, subjects.COMMANDS)
        assert (stream.max_age_hours is None) is has_readers


@pytest.mark.parametrize("model", [*schema.EVENTS, *schema.COMMANDS], ids=lambda m: m.__name__)
def test_the_stream_of_a_subject(model: type[Contract]) -> None:
    expected = subjects.EVENTS if model in schema.EVENTS else subjects.COMMANDS
    assert subjects.stream_of(sample(model)) == expected

"""Answers to cache lookups that come after other events."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.messages.events import (
    Origin,
    RunCancelRequested,
    RunPauseRequested,
    RunResumeRequested,
    RunRetryRequested,
)
from headrace_contracts.values import Outputs
from headrace_scheduler.core.decide import TaskSilent
from headrace_scheduler.core.decision import EarlierOutputs
from headrace_scheduler.core.run import Run

from tests.support.submissions import RUN_ID
from tests.unit.scheduler.runs import Played, component, constant, spec, start, task

CACHED = {"cachingOptions": {"enableCache": True}}
FOUND = EarlierOutputs(Outputs(), Origin(kind="cache", run_id=UUID(int=7), task_id=UUID(int=8)))


def waiting(found: bool = True, **options: object) -> Played:
    """A run of two steps, `b` after `a`, whose first lookup has no answer yet."""
    documents = spec(
        {"a": task("step", **CACHED), "b": task("step", after=["a"], **CACHED)},
        {"step": component()},
    )
    cached = {"root/a": FOUND} if found else {}
    return start(documents, {}, {}, cached, late=True, **options)


def test_a_step_waits_for_the_answer() -> None:
    played = waiting()
    assert played.states() == {"root/a": "PENDING", "root/b": "PENDING"}
    assert played.record("root/a").fingerprint is not None
    played.answer()
    assert played.states()["root/a"] == "SUCCEEDED"
    played.answer()
    assert [one.path for one in played.running] == ["root/b"]


def test_an_answer_counts_once() -> None:
    played = waiting(found=False)
    answers = list(played.unanswered)
    played.answer()
    events = list(played.events)
    for answer in answers:
        played.take(answer)
    assert played.events == events
    assert len(played.running) == 1


def test_an_answer_is_taken_after_the_run_was_loaded_again() -> None:
    played = waiting()
    records = played.records.values()
    played.run = Run(played.run.submission, played.run.plan, played.run.header, records)
    played.answer()
    assert played.states()["root/a"] == "SUCCEEDED"


def test_a_silent_lookup_is_repeated() -> None:
    played = waiting(found=False)
    lost = played.unanswered.pop()
    played.take(TaskSilent(RUN_ID, lost.task_id))
    assert played.unanswered == [lost]
    played.answer()
    assert [one.path for one in played.running] == ["root/a"]


def test_an_answer_after_a_cancellation_starts_nothing() -> None:
    for found in (True, False):
        played = waiting(found)
        played.take(RunCancelRequested(run_id=RUN_ID))
        assert played.run.header.state == "CANCELED"
        played.answer()
        assert played.states()["root/a"] == "CANCELED"
        assert played.running == []


def test_an_answer_while_the_run_is_paused_is_repeated_when_it_is_resumed() -> None:
    for found in (True, False):
        played = waiting(found)
        played.take(RunPauseRequested(run_id=RUN_ID))
        played.answer()
        assert played.states()["root/a"] == "PENDING"
        assert played.running == played.unanswered == []
        played.take(RunResumeRequested(run_id=RUN_ID))
        played.answer()
        assert played.states()["root/a"] == ("SUCCEEDED" if found else "READY")


def test_an_answer_after_a_pause_and_a_resumption_counts() -> None:
    played = waiting()
    played.take(RunPauseRequested(run_id=RUN_ID))
    played.take(RunResumeRequested(run_id=RUN_ID))
    assert len(played.unanswered) == 1
    played.answer()
    assert played.states()["root/a"] == "SUCCEEDED"


def failing_beside(strategy: str) -> Played:
    """A run with a step that fails beside one whose lookup has no answer yet."""
    documents = spec(
        {"a": task("step", **CACHED), "b": task("step")},
        {"step": component()},
    )
    played = start(documents, {}, {"root/b": 9}, late=True, failure_strategy=strategy)
    played.finish("root/b")
    return played


def test_fail_fast_skips_a_step_whose_lookup_has_no_answer() -> None:
    played = failing_beside("FAIL_FAST")
    assert played.states() == {"root/a": "SKIPPED", "root/b": "FAILED"}
    played.answer()
    assert played.running == []
    assert played.run.header.state == "FAILED"


def test_a_stale_answer_does_not_count_after_a_retry() -> None:
    played = failing_beside("FAIL_FAST")
    stale = played.unanswered.pop()
    played.failing = {}
    played.take(RunRetryRequested(run_id=RUN_ID))
    (current,) = played.unanswered
    assert current == stale, "the same inputs: any of the answers will do"
    played.take(stale)
    played.answer()
    assert [one.path for one in played.running].count("root/a") == 1


def test_continuing_runs_take_the_answer_after_another_failure() -> None:
    played = failing_beside("CONTINUE")
    played.answer()
    assert [one.path for one in played.running] == ["root/a"]


def test_iterations_whose_lookups_have_no_answer_count_towards_the_limit() -> None:
    loop = {
        "parameterIterator": {"itemInput": "item", "items": {"raw": "[1, 2, 3]"}},
        "iteratorPolicy": {"parallelismLimit": 2},
    }
    inputs = {"item": {"parameterType": "NUMBER_INTEGER"}}
    documents = spec(
        {"loop": task("step", {"word": constant("x")}, **loop, **CACHED)},
        {"step": component(inputs)},
    )
    played = start(documents, late=True)
    assert len(played.unanswered) == 2
    played.take(played.unanswered.pop(1))
    records = played.records.values()
    played.run = Run(played.run.submission, played.run.plan, played.run.header, records)
    played.finish("root/loop/1")
    assert len(played.unanswered) == 2, "the third iteration has started, the first one waits"
    played.answer()
    played.finish()
    assert played.run.header.state == "SUCCEEDED"
    launched = [c.path for c in played.commands if isinstance(c, LaunchAttempt)]
    assert sorted(launched) == [f"root/loop/{index}" for index in range(3)]

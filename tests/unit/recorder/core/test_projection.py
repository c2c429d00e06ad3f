"""The projection of a run's history onto rows does not depend on the order of events."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.messages import events as e
from headrace_contracts.states import RunState, TaskState
from headrace_recorder.core.projection import (
    affected,
    fold,
    runs_with_open_tasks,
    set_shown_states,
)
from headrace_recorder.core.rows import Rows, RunRow, TaskRow
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.recorder.histories import (
    BROKE,
    HIT,
    LOST,
    RUN,
    Published,
    at,
    began,
    history,
    of,
    planned,
    ready,
    submitted,
    succeeded,
    worked,
)

TRAIN, PREPARE, REPORT = of("root/train"), of("root/prepare"), of("root/report")
ALL = history()


def folded(published: list[Published]) -> Rows:
    rows: Rows = ({}, {})
    fold(rows, published)
    set_shown_states(rows[0].values(), runs_with_open_tasks(rows[1].values()))
    return rows


def run_after(*events: e.Event) -> RunRow:
    return folded([(event, at(second)) for second, event in enumerate(events)])[0][RUN]


def task_after(*events: e.Event) -> TaskRow:
    return folded([(event, at(second)) for second, event in enumerate(events)])[1][TRAIN]


def test_the_rows_after_a_whole_history() -> None:
    runs, tasks = folded(ALL)
    run = runs[RUN]
    assert (run.state, run.revision, run.failure) == (RunState.SUCCEEDED, 6, None)
    assert run.outputs == {"parameters": {"of": 3}, "artifacts": {}}
    assert [run.history[str(revision)][0] for revision in range(7)] == [
        "PENDING", "RUNNING", "PAUSED", "RUNNING", "FAILED", "RUNNING", "SUCCEEDED",
    ]  # fmt: skip
    assert (run.archived, run.deleted) == (False, False)
    train = tasks[TRAIN]
    assert (train.state, train.attempt, train.failure) == (TaskState.SUCCEEDED, 3, None)
    assert train.inputs == {"parameters": {"attempt": 3}, "artifacts": {}}
    assert train.fingerprint == {"digest": "second", "parts": {"seed": 2}, "attempt": 3}
    assert (train.log, train.log_text) == ("logs/root/train/3", "said by root/train 3")
    assert train.place == "process 3 on here"
    assert (train.started_at, train.finished_at) == (at(23), at(23.5))
    prepare = tasks[PREPARE]
    assert prepare.origin == HIT.model_dump(mode="json")
    assert (prepare.state, prepare.attempt, prepare.started_at) == (TaskState.SUCCEEDED, 0, at(2))
    assert (tasks[REPORT].state, tasks[REPORT].attempt) == (TaskState.SUCCEEDED, 1)
    skipped = tasks[of("root/report/print")]
    assert (skipped.state, skipped.detail) == (TaskState.SKIPPED, "its condition is false")


@given(st.permutations(ALL))
def test_the_order_of_events_does_not_matter(published: list[Published]) -> None:
    assert folded(published) == folded(ALL)


@given(st.permutations(ALL), st.lists(st.sampled_from(ALL), max_size=12))
def test_duplicate_events_do_not_matter(
    published: list[Published], duplicates: list[Published]
) -> None:
    assert folded([*published, *duplicates]) == folded(ALL)


@given(st.permutations(ALL), st.integers(0, len(ALL)))
def test_a_history_in_two_parts_ends_in_the_same_rows(
    published: list[Published], part: int
) -> None:
    rows = folded(published[:part])
    before = copy.deepcopy(rows)
    fold(rows, published[part:])
    set_shown_states(rows[0].values(), runs_with_open_tasks(rows[1].values()))
    assert rows == folded(ALL)
    fold(before, ALL)  # duplicates of all events, as after a crash
    set_shown_states(before[0].values(), runs_with_open_tasks(before[1].values()))
    assert before == rows


@given(st.integers(0, len(ALL)), st.data())
def test_every_prefix_of_a_history_in_two_parts_ends_in_the_same_rows(
    length: int, data: st.DataObject
) -> None:
    beginning = ALL[:length]
    assert folded(data.draw(st.permutations(beginning))) == folded(beginning)


@pytest.mark.parametrize("published", ALL, ids=lambda published: published[0].type)
def test_an_event_changes_only_the_affected_rows(published: Published) -> None:
    runs, tasks = folded([published])
    run_id, task_ids = affected(published[0])
    assert runs.keys() == {run_id}
    assert tasks.keys() == set(task_ids)


@pytest.mark.parametrize(
    "event",
    [
        e.SubmissionAccepted(request_id="r", run_id=RUN),
        e.SubmissionRejected(
            request_id="r", rejection=Rejection(code=RejectionCode.MALFORMED, message="no")
        ),
    ],
)
def test_submission_results_change_no_rows(event: e.Event) -> None:
    assert affected(event) == (None, [])
    assert folded([(event, at(0))]) == ({}, {})


def test_a_retried_run_has_no_failure() -> None:
    failed = e.RunFailed(run_id=RUN, revision=2, failure=BROKE)
    assert run_after(submitted(), failed).failure == BROKE.model_dump(mode="json")
    retried = run_after(submitted(), failed, e.RunRetried(run_id=RUN, revision=3))
    assert (retried.state, retried.failure) == (RunState.RUNNING, None)


def test_a_late_failure_does_not_change_the_final_state() -> None:
    ended = e.RunCanceled(run_id=RUN, revision=3)
    late = e.RunFailed(run_id=RUN, revision=2, failure=BROKE)
    run = run_after(submitted(), ended, late)
    assert (run.state, run.failure) == (RunState.CANCELED, None)
    assert run.history["2"] == ["FAILED", at(2).isoformat()]


@pytest.mark.parametrize(
    ("events", "archived"),
    [
        ([e.RunArchived(run_id=RUN)], True),
        ([e.RunArchived(run_id=RUN), e.RunUnarchived(run_id=RUN)], False),
        ([e.RunUnarchived(run_id=RUN), e.RunArchived(run_id=RUN)], True),
    ],
)
def test_the_latest_archive_event_counts(events: list[e.Event], archived: bool) -> None:
    published = [(event, at(second)) for second, event in enumerate(events)]
    for received in (published, published[::-1]):
        assert folded(received)[0][RUN].archived is archived


def test_requests_change_no_state() -> None:
    asked = [
        e.RunCancelRequested(run_id=RUN),
        e.RunPauseRequested(run_id=RUN),
        e.RunResumeRequested(run_id=RUN),
        e.RunRetryRequested(run_id=RUN),
    ]
    assert run_after(submitted(), *asked) == run_after(submitted())


def test_a_deleted_run_is_marked() -> None:
    assert run_after(e.RunDeleted(run_id=RUN)).deleted


def test_the_detail_of_a_waiting_task_is_one_line_with_time_and_reason() -> None:
    waiting = e.TaskWaiting(
        run_id=RUN, task_id=TRAIN, name="train", attempt=1, failure=LOST, due_at=at(60)
    )
    task = task_after(ready("root/train", 1), waiting)
    assert task.state == TaskState.WAITING
    assert task.detail == "retried at 10:01:00 UTC: the process vanished"
    assert task_after(waiting, ready("root/train", 2)).detail is None


def test_what_a_running_attempt_waits_for_is_shown_until_it_goes_on() -> None:
    waits = e.AttemptWaiting(run_id=RUN, task_id=TRAIN, attempt=1, message="waiting for the store")
    goes_on = e.AttemptWaiting(run_id=RUN, task_id=TRAIN, attempt=1, message="")
    start = (ready("root/train", 1), began("root/train", 1, 5))
    for events in ([*start, waits], [waits, *start]):
        task = task_after(*events)
        assert (task.state, task.detail) == (TaskState.RUNNING, "waiting for the store")
    assert task_after(*start, waits, goes_on).detail is None
    again = task_after(*start, waits, ready("root/train", 2))
    assert (again.state, again.detail) == (TaskState.READY, None)


def test_preparing_is_shown_until_the_step_starts() -> None:
    preparing = e.AttemptPreparing(run_id=RUN, task_id=TRAIN, attempt=1, message="installing")
    task = task_after(ready("root/train", 1), preparing)
    assert (task.state, task.detail) == (TaskState.READY, "installing")
    for events in ([began("root/train", 1, 5), preparing], [preparing, began("root/train", 1, 5)]):
        task = task_after(*events)
        assert (task.state, task.detail) == (TaskState.RUNNING, None)


def test_timestamps_of_the_executor_replace_others() -> None:
    events = [began("root/train", 1, 5), worked("root/train", 1, 6), succeeded("root/train", 1)]
    for received in (events, events[::-1]):
        task = task_after(*received)
        assert (task.started_at, task.finished_at) == (at(6), at(6.5))


def test_a_new_attempt_has_its_own_log_and_timestamps() -> None:
    task = task_after(began("root/train", 1, 5), began("root/train", 2, 9))
    assert (task.log, task.started_at, task.finished_at) == ("logs/root/train/2", at(9), None)


def test_a_reset_task_has_no_outputs() -> None:
    done = [ready("root/train", 1), worked("root/train", 1, 5), succeeded("root/train", 1)]
    assert task_after(*done).outputs is not None
    again = task_after(*done, e.TaskReset(run_id=RUN, task_id=TRAIN, name="train", attempt=2))
    assert (again.state, again.attempt, again.outputs) == (TaskState.PENDING, 2, None)
    assert (again.started_at, again.finished_at, again.log) == (None, None, None)


def test_a_task_can_be_known_before_its_plan() -> None:
    early = folded([(began("root/train", 1, 5), at(1))])
    assert early[1][TRAIN].plan is None
    plan = e.TasksPlanned(run_id=RUN, tasks=(planned("root/train"),))
    fold(early, [(plan, at(0))])
    found: Any = early[1][TRAIN].plan
    assert found["path"] == "root/train"
    assert early[1][TRAIN].state == TaskState.RUNNING


@given(st.permutations(ALL))
def test_a_run_is_shown_as_ended_when_all_its_tasks_are(published: list[Published]) -> None:
    rows: Rows = ({}, {})
    for one in published:
        fold(rows, [one])
        set_shown_states(rows[0].values(), runs_with_open_tasks(rows[1].values()))
        run = rows[0].get(RUN)
        if run is not None and run.state.final:
            assert run.latest is run.state
            assert all(task.state.final for task in rows[1].values())


def test_a_run_is_shown_as_running_while_the_end_of_a_task_is_missing() -> None:
    """As when the process that received the missing event has crashed."""
    missing = next(one for one in reversed(ALL) if isinstance(one[0], e.TaskSucceeded))
    run = folded([one for one in ALL if one is not missing])[0][RUN]
    assert (run.state, run.latest) == (RunState.RUNNING, RunState.SUCCEEDED)

"""The rows that are shown, projected from the event history.

The projection does not depend on the order of events: the run state with the highest revision
wins, and the task state with the highest (attempt, rank); data of an attempt is replaced together
with it. Reordered, duplicated and split histories therefore give the same rows.

A run is shown as ended only when all its tasks are, so that a client that waits for the end finds
complete data.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.base import Contract
from headrace_contracts.messages import events as e
from headrace_contracts.states import RunState, TaskState

from headrace_recorder.core.rows import Rows, RunRow, TaskRow

_RANK = {
    TaskState.PENDING: 0.0,
    TaskState.READY: 1.0,
    TaskState.RUNNING: 2.0,
    TaskState.WAITING: 3.0,
    TaskState.SUCCEEDED: 9.0,
    TaskState.FAILED: 9.0,
    TaskState.SKIPPED: 9.0,
    TaskState.CANCELED: 9.0,
}
"""How far a task is within an attempt; of two states, the one with the higher rank wins."""
_PREPARING_RANK = 1.5
"""Of READY while the executor prepares the attempt."""
_RUNNING_WAITS_RANK = 2.5
"""Of RUNNING once the attempt has reported that it waits."""


def affected(event: e.Event) -> tuple[UUID | None, list[UUID]]:
    """The ids of the run and of the tasks whose rows an event changes."""
    match event:
        case e.RunStarted() | e.TasksPlanned():
            return event.run_id, [task.task_id for task in event.tasks]
        case e.SubmissionAccepted() | e.SubmissionRejected():
            return None, []
        case _ if hasattr(event, "task_id"):
            return event.run_id, [event.task_id]
        case _:
            return event.run_id, []


def fold(rows: Rows, events: Iterable[tuple[e.Event, datetime]]) -> None:
    """Apply events, each with its publication time, to the rows; creates missing rows."""
    runs, tasks = rows
    for event, at in events:
        run_id, _ = affected(event)
        if run_id is None:
            continue
        run = runs.setdefault(run_id, RunRow(run_id))
        task_id = getattr(event, "task_id", None)
        if task_id is None:
            _fold_run(run, tasks, event, at)
        else:
            task = tasks.setdefault(task_id, TaskRow(task_id, run_id))
            _fold_task(task, event, at)


def _fold_run(run: RunRow, tasks: dict[UUID, TaskRow], event: e.Event, at: datetime) -> None:
    match event:
        case e.RunSubmitted():
            run.submission = _json(event)
            _run_state(run, RunState.PENDING, 0, event.submitted_at)
        case e.RunStarted() | e.TasksPlanned():
            if isinstance(event, e.RunStarted):
                _run_state(run, RunState.RUNNING, event.revision, at)
            for planned in event.tasks:
                task = tasks.setdefault(planned.task_id, TaskRow(planned.task_id, run.run_id))
                task.plan = _json(planned)
                task.created_at = min(task.created_at or at, at)
        case e.RunResumed() | e.RunRetried():
            _run_state(run, RunState.RUNNING, event.revision, at)
        case e.RunPaused():
            _run_state(run, RunState.PAUSED, event.revision, at)
        case e.RunCanceling():
            _run_state(run, RunState.CANCELING, event.revision, at)
        case e.RunSucceeded():
            if _run_state(run, RunState.SUCCEEDED, event.revision, at):
                run.outputs = _json(event.outputs)
        case e.RunFailed():
            if _run_state(run, RunState.FAILED, event.revision, at):
                run.failure = _json(event.failure)
        case e.RunCanceled():
            _run_state(run, RunState.CANCELED, event.revision, at)
        case e.RunArchived() | e.RunUnarchived():
            if run.archived_at is None or at >= run.archived_at:
                run.archived, run.archived_at = isinstance(event, e.RunArchived), at
        case e.RunDeleted():
            run.deleted = True


def _run_state(run: RunRow, state: RunState, revision: int, at: datetime) -> bool:
    """Add a state to the history; returns whether it has the highest revision so far."""
    run.history[str(revision)] = [state.value, at.isoformat()]
    if revision < run.revision:
        return False
    run.latest, run.revision = state, revision
    run.failure = run.outputs = None
    return True


def set_shown_states(runs: Iterable[RunRow], open_runs: Container[UUID]) -> None:
    """Set each run's shown state: the latest one, except that a run in `open_runs`, which has
    unfinished tasks, is not shown as ended."""
    for run in runs:
        if run.latest.final and run.run_id in open_runs:
            run.state = _state_before_end(run)
        else:
            run.state = run.latest


def runs_with_open_tasks(tasks: Iterable[TaskRow]) -> set[UUID]:
    """The ids of the runs that have an unfinished task among these."""
    return {task.run_id for task in tasks if task.plan is None or not task.state.final}


def _state_before_end(run: RunRow) -> RunState:
    earlier = sorted(run.history.items(), key=lambda item: -int(item[0]))
    states = [RunState(state) for _, (state, _) in earlier]
    return next((state for state in states if not state.final), RunState.RUNNING)


def _fold_task(task: TaskRow, event: e.Event, at: datetime) -> None:
    match event:
        case e.TaskReady():
            _inputs(task, event.inputs, event.attempt)
            _fingerprint(task, event.fingerprint, event.attempt)
            _state(task, TaskState.READY, event.attempt)
        case e.TaskStarted():
            _inputs(task, event.inputs, event.attempt)
            _timestamps(task, event.attempt, started=at)
            _state(task, TaskState.RUNNING, event.attempt)
        case e.TaskWaiting():
            moment = event.due_at.astimezone(at.tzinfo).strftime("%H:%M:%S %Z")
            detail = f"retried at {moment}: {event.failure.message.splitlines()[0]}"
            _state(task, TaskState.WAITING, event.attempt, detail=detail)
        case e.TaskReset():
            _timestamps(task, event.attempt)
            _state(task, TaskState.PENDING, event.attempt)
        case e.AttemptPreparing():
            _state(task, TaskState.READY, event.attempt, event.message, _PREPARING_RANK)
        case e.AttemptStarted():
            _timestamps(task, event.attempt, started=event.started_at, log=event.log)
            _set_place(task, event.attempt, event.place)
            _state(task, TaskState.RUNNING, event.attempt)
        case e.AttemptWaiting():
            waits_for = event.message or None
            _state(task, TaskState.RUNNING, event.attempt, waits_for, _RUNNING_WAITS_RANK)
        case e.AttemptSucceeded() | e.AttemptFailed():
            _timestamps(
                task, event.attempt, event.started_at, event.finished_at, event.log, ended=True
            )
            if event.attempt == task.log_attempt and event.log_text is not None:
                task.log_text = event.log_text
            _set_place(task, event.attempt, event.place)
        case e.TaskSucceeded():
            _succeeded(task, event, at)
        case e.TaskFailed():
            if _state(task, TaskState.FAILED, event.attempt):
                task.failure = _json(event.failure)
            _timestamps(task, event.attempt, finished=at)
        case e.TaskSkipped():
            _state(task, TaskState.SKIPPED, event.attempt, event.reason)
        case e.TaskCanceled():
            _state(task, TaskState.CANCELED, event.attempt)
            _timestamps(task, event.attempt, finished=at)


def _succeeded(task: TaskRow, event: e.TaskSucceeded, at: datetime) -> None:
    if event.inputs is not None:
        _inputs(task, event.inputs, event.attempt)
    _fingerprint(task, event.fingerprint, event.attempt)
    if _state(task, TaskState.SUCCEEDED, event.attempt):
        task.outputs = _json(event.outputs)
        task.origin = None if event.origin is None else _json(event.origin)
    without_attempt = event.inputs is not None  # taken from the cache, or imported
    _timestamps(task, event.attempt, started=at if without_attempt else None, finished=at)


def _inputs(task: TaskRow, inputs: Contract, attempt: int) -> None:
    if task.inputs is None or attempt >= task.inputs_attempt:
        task.inputs, task.inputs_attempt = _json(inputs), attempt


def _fingerprint(task: TaskRow, fingerprint: Contract | None, attempt: int) -> None:
    """Keep the one of the latest attempt that has any: attempts after a failure do not look into
    the cache, so their events have none."""
    if fingerprint is not None and attempt >= (task.fingerprint or {}).get("attempt", 0):
        task.fingerprint = {**_json(fingerprint), "attempt": attempt}


def _set_place(task: TaskRow, attempt: int, place: str | None) -> None:
    if attempt == task.log_attempt:
        task.place = place or task.place


def _timestamps(
    task: TaskRow,
    attempt: int,
    started: datetime | None = None,
    finished: datetime | None = None,
    log: str | None = None,
    *,
    ended: bool = False,
) -> None:
    """Set the timestamps and the log of the latest attempt. The executor's report of its end
    (`ended`) is more exact than the times of other events, and replaces them."""
    if attempt < task.log_attempt:
        return
    if attempt > task.log_attempt:
        task.log_attempt, task.log, task.log_text, task.place = attempt, None, None, None
        task.started_at = task.finished_at = None
    task.log = log or task.log
    if ended:
        task.started_at = started or task.started_at
        task.finished_at = finished or task.finished_at
    else:
        task.started_at = task.started_at or started
        task.finished_at = task.finished_at or finished


def _state(
    task: TaskRow,
    state: TaskState,
    attempt: int,
    detail: str | None = None,
    rank: float | None = None,
) -> bool:
    """Set the state unless a later one is known; returns whether it was set. Clears the results
    of earlier states."""
    new = _RANK[state] if rank is None else rank
    if (attempt, new) < (task.attempt, task.rank):
        return False
    task.state, task.attempt, task.rank, task.detail = state, attempt, new, detail
    task.outputs = task.failure = task.origin = None
    return True


def _json(value: Contract) -> dict[str, Any]:
    return value.model_dump(mode="json")

"""What is shown, as a fold over what happened.

A fact about a run or task is a partial row. Folding is order-insensitive: each state has a rank,
and the highest (attempt, rank) wins; what is written once stays; moments take the earliest or
latest. So reordered, repeated and split histories end in the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts import events as e
from headrace_contracts.states import RunState, TaskState

_RUN_RANK = {
    RunState.PENDING: 0,
    RunState.RUNNING: 1,
    RunState.CANCELING: 2,
    RunState.SUCCEEDED: 3,
    RunState.FAILED: 3,
    RunState.CANCELED: 3,
}
_TASK_RANK = {
    TaskState.PENDING: 0,
    TaskState.READY: 1,
    TaskState.RUNNING: 2,
    TaskState.SUCCEEDED: 9,
    TaskState.FAILED: 9,
    TaskState.SKIPPED: 9,
    TaskState.CANCELED: 9,
}
_PREPARING_RANK = 1.5


@dataclass(slots=True)
class RunRow:
    """A run as it is kept; `submission` is None until the run was heard to be submitted."""

    run_id: UUID
    submission: dict[str, Any] | None = None
    state: RunState = RunState.PENDING
    history: dict[str, str] = field(default_factory=dict)
    """State to the moment since when it held, RFC 3339."""
    failure: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None


@dataclass(slots=True)
class TaskRow:
    """A task as it is kept; `plan` is None until the run was heard to be started."""

    task_id: UUID
    run_id: UUID
    plan: dict[str, Any] | None = None
    position: int = 0
    state: TaskState = TaskState.PENDING
    attempt: int = 0
    rank: float = 0
    detail: str | None = None
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    log: str | None = None
    log_attempt: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


Rows = tuple[dict[UUID, RunRow], dict[UUID, TaskRow]]


def touched(event: e.Event) -> tuple[UUID | None, list[UUID]]:
    """The run and the tasks whose rows an event changes."""
    match event:
        case e.RunStarted():
            return event.run_id, [task.task_id for task in event.tasks]
        case e.SubmissionAccepted() | e.SubmissionRejected():
            return None, []
        case _ if hasattr(event, "task_id"):
            return event.run_id, [event.task_id]
        case _:
            return event.run_id, []


def fold(rows: Rows, events: Iterable[tuple[e.Event, datetime]]) -> None:
    """Fold events, each with the moment it was told, into the rows; missing rows are made."""
    runs, tasks = rows
    for event, at in events:
        run_id, _ = touched(event)
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
            run.submission = event.model_dump(mode="json")
            _run_state(run, RunState.PENDING, event.submitted_at)
        case e.RunStarted():
            _run_state(run, RunState.RUNNING, at)
            for position, planned in enumerate(event.tasks):
                task = tasks.setdefault(planned.task_id, TaskRow(planned.task_id, run.run_id))
                task.plan = planned.model_dump(mode="json")
                task.position = position
                task.created_at = at
        case e.RunCancelRequested():
            _run_state(run, RunState.CANCELING, at)
        case e.RunSucceeded():
            run.outputs = event.outputs.model_dump(mode="json")
            _run_state(run, RunState.SUCCEEDED, at)
        case e.RunFailed():
            run.failure = event.failure.model_dump(mode="json")
            _run_state(run, RunState.FAILED, at)
        case e.RunCanceled():
            _run_state(run, RunState.CANCELED, at)


def _run_state(run: RunRow, state: RunState, at: datetime) -> None:
    moment = at.isoformat()
    run.history[state.value] = min(run.history.get(state.value, moment), moment)
    if _RUN_RANK[state] > _RUN_RANK[run.state]:
        run.state = state


def _fold_task(task: TaskRow, event: e.Event, at: datetime) -> None:
    match event:
        case e.TaskReady():
            if task.inputs is None:
                task.inputs = event.inputs.model_dump(mode="json")
            _task_state(task, TaskState.READY, event.attempt)
        case e.AttemptPreparing():
            _task_state(task, TaskState.READY, event.attempt, _PREPARING_RANK, event.message)
        case e.AttemptStarted():
            if (event.attempt, TaskState.RUNNING) >= (task.log_attempt, TaskState.RUNNING):
                task.log, task.log_attempt = event.log, event.attempt
            task.started_at = _latest(task, event.attempt, task.started_at, event.started_at)
            _task_state(task, TaskState.RUNNING, event.attempt)
        case e.AttemptSucceeded() | e.AttemptFailed():
            if event.log is not None and event.attempt >= task.log_attempt:
                task.log, task.log_attempt = event.log, event.attempt
            if event.started_at is not None:
                task.started_at = event.started_at
            task.finished_at = max(task.finished_at or event.finished_at, event.finished_at)
        case e.TaskSucceeded():
            task.outputs = event.outputs.model_dump(mode="json")
            _task_state(task, TaskState.SUCCEEDED, event.attempt)
        case e.TaskFailed():
            task.failure = event.failure.model_dump(mode="json")
            task.finished_at = task.finished_at or at
            _task_state(task, TaskState.FAILED, event.attempt)
        case e.TaskSkipped():
            _task_state(task, TaskState.SKIPPED, event.attempt, detail=event.reason)
        case e.TaskCanceled():
            _task_state(task, TaskState.CANCELED, event.attempt)


def _latest(task: TaskRow, attempt: int, known: datetime | None, new: datetime) -> datetime:
    """When the latest attempt started; its own end says it more exactly, so the first word of an
    attempt that has ended does not change it."""
    if known is None or attempt > task.attempt or task.finished_at is None:
        return new
    return known


def _task_state(
    task: TaskRow,
    state: TaskState,
    attempt: int,
    rank: float | None = None,
    detail: str | None = None,
) -> None:
    new = (_TASK_RANK[state] if rank is None else rank) if not state.final else 9
    final_now, final_then = new == 9, task.rank == 9
    if (final_now, attempt, new) <= (final_then, task.attempt, task.rank):
        return
    task.state, task.attempt, task.rank, task.detail = state, attempt, new, detail

"""The scheduler's judgement: news in, a decision out. `decide` is total, order-insensitive and
idempotent: news about an attempt that does not count, or a task that has ended, changes nothing.

It changes the run in place, and the run is its caller's alone: whoever fails to write the decision
drops the run and reads it anew. The rules are in the modules beside this one:

- `start`: a task has its turn when all that it depends on has ended;
- `end`: what an end means for the DAG or loop around it, retries included;
- `again`: what runs again;
- `stop`: what somebody asks of the run, and deadlines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headrace_contracts.events import (
    AttemptFailed,
    AttemptSucceeded,
    RunCancelRequested,
    RunDeleted,
    RunPauseRequested,
    RunResumeRequested,
    RunRetryRequested,
    RunStarted,
    RunSubmitted,
)
from headrace_contracts.states import RunState, TaskState

from headrace_scheduler.core import stop
from headrace_scheduler.core.draft import Decision, Draft, LookupAnswered, planned_task
from headrace_scheduler.core.end import attempt_failed, attempt_succeeded, progress
from headrace_scheduler.core.run import Run, Scope
from headrace_scheduler.core.start import answer, consider, repeat_launch, start_dag


@dataclass(frozen=True, slots=True)
class RunAdmitted:
    """There is room for the run. Never on the bus."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class TimeCame:
    """The moment that a task waited for, or the run's deadline. Never on the bus."""

    run_id: UUID
    task_id: UUID | None


@dataclass(frozen=True, slots=True)
class TaskSilent:
    """Nothing was heard of a launched task for long. Never on the bus."""

    run_id: UUID
    task_id: UUID


BusNews = (
    RunSubmitted
    | RunCancelRequested
    | RunPauseRequested
    | RunResumeRequested
    | RunRetryRequested
    | RunDeleted
    | AttemptSucceeded
    | AttemptFailed
)
News = BusNews | RunAdmitted | TimeCame | TaskSilent | LookupAnswered


def decide(run: Run, news: News, now: datetime, cluster: str) -> Decision:
    """What the news changes in the run, and what is to be told. Changes `run` in place."""
    draft = Draft(run, now, cluster)
    if not run.header.state.final or isinstance(news, RunRetryRequested | RunDeleted):
        _take(draft, news)
        while draft.agenda:
            node = draft.agenda.popleft()
            consider(draft, node)
            progress(draft, node)
    return draft.decision()


def _take(draft: Draft, news: News) -> None:
    match news:
        case RunSubmitted():
            limits = news.limits
            if limits.pipeline is None and limits.namespace is None:
                _admit(draft)
        case RunAdmitted():
            _admit(draft)
        case AttemptSucceeded():
            attempt_succeeded(draft, news)
        case AttemptFailed():
            attempt_failed(draft, news)
        case LookupAnswered():
            answer(draft, news)
        case TimeCame():
            node = draft.run.nodes.get(news.task_id) if news.task_id else None
            if news.task_id is None:
                stop.expire(draft)
            elif node is not None:
                stop.due(draft, node)
        case TaskSilent():
            node = draft.run.nodes.get(news.task_id)
            if node is not None and node.record.state is TaskState.READY:
                repeat_launch(draft, node)
        case RunCancelRequested():
            stop.cancel(draft, news)
        case RunPauseRequested():
            stop.pause(draft)
        case RunResumeRequested():
            if stop.resume(draft):
                _admit(draft)
        case RunRetryRequested():
            if stop.retry(draft):
                _admit(draft)
        case RunDeleted():
            stop.delete(draft)


def _admit(draft: Draft) -> None:
    run, root = draft.run, draft.run.root
    if root.record.state is not TaskState.PENDING:
        return
    seconds = run.submission.deadline_seconds
    deadline = draft.now + timedelta(seconds=seconds) if seconds else None
    draft.set_header(state=RunState.RUNNING, deadline_at=deadline)
    start_dag(draft, root, Scope())
    draft.events.append(
        RunStarted(
            run_id=run.run_id,
            revision=draft.header.revision,
            tasks=tuple(planned_task(child) for child in root.children.values()),
        )
    )

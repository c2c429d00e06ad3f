"""The scheduler's decision function. `decide` accepts any event in any order and is idempotent: an
event about an attempt that is not current, or about a task that has ended, changes nothing.

It changes the run in place; a caller that fails to write the decision has to discard the run and
load it again. The rules are in these modules:

- `start`: tasks start when all tasks that they depend on have ended;
- `end`: what the end of a task means for the DAG or loop around it, including retries;
- `restart`: which tasks run again in a retry;
- `stop`: operations on the run, and its deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headrace_contracts.messages.events import (
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
from headrace_scheduler.core.decision import Decision, LookupAnswered
from headrace_scheduler.core.draft import Draft, planned_task
from headrace_scheduler.core.end import attempt_failed, attempt_succeeded, progress
from headrace_scheduler.core.run import Run, Scope
from headrace_scheduler.core.start import (
    lookup_answered,
    repeat_launch,
    repeat_lookup,
    start_dag,
    start_if_ready,
)


@dataclass(frozen=True, slots=True)
class RunAdmitted:
    """The limits of active runs allow the run to start. Never on the bus."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class TimerDue:
    """The pause of a task is over or, with `task_id` None, the run's deadline has passed. Never on
    the bus."""

    run_id: UUID
    task_id: UUID | None


@dataclass(frozen=True, slots=True)
class TaskSilent:
    """No event about a launched task, or no answer to a lookup, has been received for a while.
    Never on the bus."""

    run_id: UUID
    task_id: UUID


BusEvent = (
    RunSubmitted
    | RunCancelRequested
    | RunPauseRequested
    | RunResumeRequested
    | RunRetryRequested
    | RunDeleted
    | AttemptSucceeded
    | AttemptFailed
)
SchedulerEvent = BusEvent | RunAdmitted | TimerDue | TaskSilent | LookupAnswered


def decide(run: Run, event: SchedulerEvent, now: datetime, cluster: str) -> Decision:
    """The changes that an event causes, and the messages to publish. Changes `run` in place."""
    draft = Draft(run, now, cluster)
    if not run.header.state.final or isinstance(event, RunRetryRequested | RunDeleted):
        _apply(draft, event)
        while draft.agenda:
            node = draft.agenda.popleft()
            start_if_ready(draft, node)
            progress(draft, node)
    return draft.decision()


def _apply(draft: Draft, event: SchedulerEvent) -> None:
    match event:
        case RunSubmitted():
            limits = event.limits
            if limits.pipeline is None and limits.namespace is None:
                _admit(draft)
        case RunAdmitted():
            _admit(draft)
        case AttemptSucceeded():
            attempt_succeeded(draft, event)
        case AttemptFailed():
            attempt_failed(draft, event)
        case LookupAnswered():
            lookup_answered(draft, event)
        case TimerDue():
            node = draft.run.nodes.get(event.task_id) if event.task_id else None
            if event.task_id is None:
                stop.expire(draft)
            elif node is not None:
                stop.due(draft, node)
        case TaskSilent():
            node = draft.run.nodes.get(event.task_id)
            if node is not None and node.record.state is TaskState.READY:
                repeat_launch(draft, node)
            elif node is not None and node.awaits_lookup:
                repeat_lookup(draft, node)
        case RunCancelRequested():
            stop.cancel(draft, event)
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

"""Operations on a run: cancel, pause, resume, retry, delete; and its deadline."""

from __future__ import annotations

from datetime import timedelta

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.messages.commands import CancelAttempt, CleanRun
from headrace_contracts.messages.events import (
    RunCanceled,
    RunCanceling,
    RunCancelRequested,
    RunPaused,
    RunResumed,
    RunRetried,
)
from headrace_contracts.states import RunState, TaskState

from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.restart import restart
from headrace_scheduler.core.run import Node
from headrace_scheduler.core.start import start_attempt


def cancel(draft: Draft, event: RunCancelRequested) -> None:
    """Stop running tasks and cancel waiting ones, except exit tasks; with `force` those too."""
    header, run_id = draft.header, draft.run.run_id
    if event.force and not header.forced:
        draft.set_header(forced=True)
    elif header.state is RunState.CANCELING:
        return
    if header.state is not RunState.CANCELING:
        reason = event.reason or "canceled"
        draft.set_header(state=RunState.CANCELING, cancel_reason=reason)
        draft.events.append(RunCanceling(run_id=run_id, revision=draft.header.revision))
    root = draft.run.root
    if root.record.state is TaskState.PENDING:  # the run has not started
        draft.cancel(root)
        draft.set_header(state=RunState.CANCELED)
        draft.events.append(
            RunCanceled(
                run_id=run_id,
                revision=draft.header.revision,
                reason=draft.header.cancel_reason or "",
            )
        )
    else:
        _stop_inside(draft, root)


def expire(draft: Draft) -> None:
    """When the deadline has passed, stop the run like a cancellation and let it fail."""
    header = draft.header
    if header.expired or header.state is RunState.CANCELING or header.deadline_at is None:
        return
    if draft.now < header.deadline_at:
        return
    seconds = draft.run.submission.deadline_seconds or 0
    message = f"the run did not end within {seconds:g} s"
    failure = Failure(code=FailureCode.DEADLINE_EXCEEDED, message=message)
    draft.set_header(expired=True, failure=failure)
    _stop_inside(draft, draft.run.root)


def _stop_inside(draft: Draft, top: Node) -> None:
    """Stop the task and its descendants, except those that are shielded."""
    for node in list(draft.run.walk(top)):
        state = node.record.state
        if state.final or not draft.stopped(node):
            continue
        if state in (TaskState.PENDING, TaskState.WAITING):
            draft.cancel(node)
        elif state is TaskState.READY:
            draft.commands.append(cancel_command(draft, node))
        draft.agenda.append(node)


def cancel_command(draft: Draft, node: Node) -> CancelAttempt:
    """The command that stops an attempt."""
    return CancelAttempt(
        cluster=draft.cluster,
        run_id=draft.run.run_id,
        task_id=node.record.task_id,
        attempt=node.record.attempt,
    )


def delete(draft: Draft) -> None:
    """Stop all running tasks. Publishes no events, since the run is not visible any more."""
    for node in draft.run.nodes.values():
        if node.record.state is TaskState.READY:
            draft.commands.append(cancel_command(draft, node))
    draft.commands.append(CleanRun(cluster=draft.cluster, run_id=draft.run.run_id))


def pause(draft: Draft) -> None:
    """Start no new tasks."""
    if draft.header.state in (RunState.PENDING, RunState.RUNNING) and not draft.header.expired:
        draft.set_header(state=RunState.PAUSED)
        draft.events.append(RunPaused(run_id=draft.run.run_id, revision=draft.header.revision))


def resume(draft: Draft) -> bool:
    """Start tasks again; returns whether the run was paused before it had started."""
    if draft.header.state is not RunState.PAUSED:
        return False
    if draft.run.root.record.state is TaskState.PENDING:
        return True
    draft.set_header(state=RunState.RUNNING)
    draft.events.append(RunResumed(run_id=draft.run.run_id, revision=draft.header.revision))
    for node in list(draft.run.nodes.values()):
        if node.record.state is TaskState.WAITING:
            due(draft, node)
        else:
            draft.agenda.append(node)
    return False


def due(draft: Draft, node: Node) -> None:
    """Start the next attempt of a waiting task if its pause is over."""
    moment = node.record.due_at
    if node.record.state is not TaskState.WAITING or moment is None:
        return
    if draft.now >= moment and draft.header.state is not RunState.PAUSED:
        start_attempt(draft, node)


def retry(draft: Draft) -> bool:
    """Continue a failed or canceled run, keeping tasks that succeeded; returns whether it had been
    canceled before it started."""
    header, run = draft.header, draft.run
    if header.state not in (RunState.FAILED, RunState.CANCELED):
        return False
    seconds = run.submission.deadline_seconds
    draft.set_header(
        state=RunState.RUNNING,
        cancel_reason=None,
        forced=False,
        expired=False,
        failure=None,
        deadline_at=draft.now + timedelta(seconds=seconds) if seconds else None,
    )
    draft.events.append(RunRetried(run_id=run.run_id, revision=draft.header.revision))
    if not run.root.children:
        draft.put(run.root, state=TaskState.PENDING)
        return True
    restart(draft, run.root)
    return False

"""Ends of tasks, and what they mean for the DAG or loop around them and for the run."""

from __future__ import annotations

from datetime import timedelta

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.messages.commands import CleanRun
from headrace_contracts.messages.events import (
    AttemptFailed,
    AttemptSucceeded,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    TaskWaiting,
)
from headrace_contracts.states import RunState, TaskKind, TaskState

from headrace_scheduler.core.decision import CacheEntry
from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.inputs import items_of
from headrace_scheduler.core.outputs import dag_outputs, loop_outputs
from headrace_scheduler.core.run import NO_OUTPUTS, Node
from headrace_scheduler.core.start import start_attempt, start_iterations

MAX_LOST = 10
"""How many lost attempts are repeated. With the pauses they cover 15 minutes, in which a machine
restarts or gets memory back; after that, the step itself is probably the cause."""
_FIRST_LOST_PAUSE_SECONDS = 1.0
_LONGEST_LOST_PAUSE_SECONDS = 300.0

_PERMANENT = frozenset({FailureCode.COMMAND_NOT_FOUND, FailureCode.PLACEHOLDER_INVALID})
"""Failures that would occur again in another attempt."""


def attempt_succeeded(draft: Draft, event: AttemptSucceeded) -> None:
    """End the step with its outputs, if this is its current attempt."""
    node = _current(draft, event)
    if node is None:
        return
    draft.succeed(node, event.outputs)
    if node.record.fingerprint is not None and node.plan.cached:
        draft.cache.append(CacheEntry(node.record.fingerprint, node.record.task_id, event.outputs))


def attempt_failed(draft: Draft, event: AttemptFailed) -> None:
    """Retry the step or end it as failed, if this is its current attempt."""
    node = _current(draft, event)
    if node is None:
        return
    if draft.stopped(node):
        draft.cancel(node)
    elif event.deployment_stopped:
        _repeat(draft, node, 0, event.failure)
    elif event.retryable and node.record.lost < MAX_LOST:
        lost = node.record.lost + 1
        _repeat(draft, node, lost_pause_seconds(lost), event.failure, lost=lost)
    elif node.record.retries < node.plan.retries.count and event.failure.code not in _PERMANENT:
        _retry(draft, node, event.failure)
    else:
        draft.fail(node, event.failure)


def lost_pause_seconds(lost: int) -> float:
    """The pause after this many lost attempts. It doubles: what lost the attempt needs time to
    heal, and the next attempt must not be lost for the same reason."""
    return min(_LONGEST_LOST_PAUSE_SECONDS, _FIRST_LOST_PAUSE_SECONDS * 2.0 ** (lost - 1))


def _current(draft: Draft, event: AttemptSucceeded | AttemptFailed) -> Node | None:
    """The task of the event, if the event is about its current attempt."""
    node = draft.run.nodes.get(event.task_id)
    if node is None or node.record.state is not TaskState.READY:
        return None
    return node if node.record.attempt == event.attempt else None


def _retry(draft: Draft, node: Node, failure: Failure) -> None:
    """Retry the task after its pause."""
    retries = node.record.retries + 1
    _repeat(draft, node, node.plan.retries.pause_seconds(retries), failure, retries=retries)


def _repeat(draft: Draft, node: Node, pause: float, failure: Failure, **counted: int) -> None:
    """Start another attempt, after the pause and not while the run is paused."""
    if not pause and draft.header.state is not RunState.PAUSED:
        draft.put(node, **counted)
        start_attempt(draft, node)
        return
    due = draft.now + timedelta(seconds=pause)
    draft.put(node, state=TaskState.WAITING, due_at=due, failure=failure, **counted)
    draft.events.append(
        TaskWaiting(
            run_id=draft.run.run_id,
            task_id=node.record.task_id,
            name=node.record.name,
            attempt=node.record.attempt,
            failure=failure,
            due_at=due,
        )
    )


def progress(draft: Draft, node: Node) -> None:
    """Continue a running DAG or loop, or end it when no task in it is left to run."""
    if node.record.state is not TaskState.RUNNING:
        return
    more = node.kind is TaskKind.LOOP and start_iterations(draft, node)
    if node.kind is TaskKind.LOOP and not more and not node.active:
        _drop_iterations(draft, node)
    if node.open or more:
        return
    stopped = draft.stopped(node)
    if stopped and _was_cut(draft, node):
        draft.cancel(node)
    elif node.failed:
        _fail_inside(draft, node)
    else:
        outputs = loop_outputs(node) if node.kind is TaskKind.LOOP else dag_outputs(node)
        draft.succeed(node, outputs)
        if not _may_be_retried(node):
            draft.run.drop_descendants(node)
    if node.parent is None and node.record.state.final:
        _end_run(draft, node)


def _drop_iterations(draft: Draft, loop: Node) -> None:
    """Skip iterations of an earlier attempt that do not start: the loop failed before them, or has
    fewer items now."""
    for child in loop.children.values() if loop.open else ():
        if child.record.state is TaskState.PENDING:
            draft.skip(child, "the loop ended before this iteration", unreached=True)


def _was_cut(draft: Draft, node: Node) -> bool:
    """Whether a task in it was stopped, or did not start because the run is being stopped."""
    cut = any(c.record.state is TaskState.CANCELED for c in node.children.values())
    return cut or (node.kind is TaskKind.LOOP and node.cursor < len(items_of(draft.run, node)))


def _fail_inside(draft: Draft, node: Node) -> None:
    failure = _failure_inside(node)
    if node.parent is not None and node.record.retries < _retries(node):
        _retry(draft, node, failure)
        return
    outputs = dag_outputs(node) if node.kind is TaskKind.DAG else NO_OUTPUTS
    draft.fail(node, failure, outputs)


def _retries(node: Node) -> int:
    """How often a DAG is retried. A loop is not retried, its iterations are."""
    return 0 if node.kind is TaskKind.LOOP else node.plan.retries.count


def _failure_inside(node: Node) -> Failure:
    """The failure of the first failed task. The failure of a nested DAG is passed on unchanged."""
    first = next(c for c in node.children.values() if c.record.state is TaskState.FAILED)
    failure = first.record.failure
    assert failure is not None
    if first.kind in (TaskKind.DAG, TaskKind.LOOP) and failure.code is FailureCode.TASK_FAILED:
        return failure
    path = first.record.path.partition("/")[2]
    return Failure(
        code=FailureCode.TASK_FAILED,
        message=f"task {path!r} failed: {failure.message}",
        task_name=first.record.name,
    )


def _may_be_retried(node: Node) -> bool:
    """Whether it can run again because a DAG around it, or the run, is retried."""
    ancestor: Node | None = node
    while ancestor is not None:
        if _retries(ancestor):
            return True
        ancestor = ancestor.parent
    return node.parent is None


def _end_run(draft: Draft, root: Node) -> None:
    run_id, header = draft.run.run_id, draft.header
    revision = header.revision + 1
    if header.state is RunState.CANCELING:
        draft.set_header(state=RunState.CANCELED)
        reason = header.cancel_reason or ""
        draft.events.append(RunCanceled(run_id=run_id, revision=revision, reason=reason))
    elif header.expired or root.record.state is not TaskState.SUCCEEDED:
        failure = header.failure or root.record.failure
        assert failure is not None
        draft.set_header(state=RunState.FAILED, failure=failure)
        draft.events.append(RunFailed(run_id=run_id, revision=revision, failure=failure))
    else:
        draft.set_header(state=RunState.SUCCEEDED)
        draft.events.append(
            RunSucceeded(run_id=run_id, revision=revision, outputs=root.record.outputs)
        )
    if draft.run.plan.workspace:
        draft.commands.append(CleanRun(cluster=draft.cluster, run_id=run_id))

"""Restarts of DAGs, loops and steps. Tasks that succeeded keep their outputs, unless they depend on
a task that did not. Restarted tasks get new attempt numbers, so events of earlier attempts are
ignored.
"""

from __future__ import annotations

from headrace_contracts.messages.events import TaskReset
from headrace_contracts.states import TaskKind, TaskState

from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.run import NO_INPUTS, NO_OUTPUTS, Node

_NESTED = (TaskKind.DAG, TaskKind.LOOP)


def restart(draft: Draft, node: Node) -> None:
    """Continue a DAG or loop that has ended, with the same inputs."""
    draft.put(
        node,
        state=TaskState.RUNNING,
        attempt=node.record.attempt + 1,
        due_at=None,
        failure=None,
        unreached=False,
        outputs=NO_OUTPUTS,
    )
    draft.publish_started(node)
    restart_children(draft, node)


def restart_children(draft: Draft, node: Node) -> None:
    """Restart those children of a restarted DAG or loop that have to run."""
    to_run = _children_to_run(node)
    for child in to_run.values():
        if child.record.state is TaskState.PENDING:
            continue  # it was reset together with the node
        same_inputs = not any(other.key in to_run for other in child.upstream())
        if not (same_inputs and child.children and child.kind in _NESTED):
            reset(draft, child)
        elif node.kind is TaskKind.DAG:
            restart(draft, child)
        else:
            _make_pending(draft, child)  # the loop's limit decides when it continues
    node.recount()
    if node.kind is TaskKind.DAG:
        draft.agenda += [child for child in to_run.values() if not child.waiting]
    draft.agenda.append(node)


def reset(draft: Draft, node: Node) -> None:
    """Make a task and its descendants pending, as if they had never started."""
    for child in node.children.values():
        reset(draft, child)
    _make_pending(draft, node)


def _make_pending(draft: Draft, node: Node) -> None:
    node.scope = node.items = None
    draft.put(
        node,
        state=TaskState.PENDING,
        attempt=node.record.attempt + 1,
        retries=0,
        lost=0,
        due_at=None,
        unreached=False,
        inputs=NO_INPUTS,
        outputs=NO_OUTPUTS,
        failure=None,
        fingerprint=None,
    )
    record = node.record
    draft.events.append(
        TaskReset(
            run_id=draft.run.run_id,
            task_id=record.task_id,
            name=record.name,
            attempt=record.attempt,
        )
    )


def _children_to_run(node: Node) -> dict[str | int, Node]:
    """The children that have not succeeded, and those that depend on one of them."""
    found = {
        key: child
        for key, child in node.children.items()
        if child.record.state is not TaskState.SUCCEEDED
    }
    pending = list(found.values())
    while pending:
        for other in pending.pop().downstream():
            if other.key not in found:
                found[other.key] = other
                pending.append(other)
    return found

"""DAGs, loops and steps that run again: what succeeded stays, but for what depends on something
that did not. Attempts have new numbers, so that what is still heard of earlier ones does not count.
"""

from __future__ import annotations

from headrace_contracts.events import TaskReset
from headrace_contracts.states import TaskKind, TaskState

from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.run import NO_INPUTS, NO_OUTPUTS, Node

_INSIDE = (TaskKind.DAG, TaskKind.LOOP)


def reopen(draft: Draft, node: Node) -> None:
    """Go on with a DAG or loop that has ended, with the inputs that it had."""
    draft.put(
        node,
        state=TaskState.RUNNING,
        attempt=node.record.attempt + 1,
        due_at=None,
        failure=None,
        unreached=False,
        outputs=NO_OUTPUTS,
    )
    draft.tell_started(node)
    rouse(draft, node)


def rouse(draft: Draft, node: Node) -> None:
    """Have the children of a DAG or loop that runs again wait for their turn, as far as they have
    to run."""
    again = _to_run_again(node)
    for child in again.values():
        if child.record.state is TaskState.PENDING:
            continue  # it was reset together with the node
        same_inputs = not any(other.key in again for other in child.upstream())
        if not (same_inputs and child.children and child.kind in _INSIDE):
            reset(draft, child)
        elif node.kind is TaskKind.DAG:
            reopen(draft, child)
        else:
            _have_wait(draft, child)  # the loop's limit says when it goes on
    node.recount()
    if node.kind is TaskKind.DAG:
        draft.agenda += [child for child in again.values() if not child.waiting]
    draft.agenda.append(node)


def reset(draft: Draft, node: Node) -> None:
    """Have a task, and all in it, wait for its turn as if it had never had it."""
    for child in node.children.values():
        reset(draft, child)
    _have_wait(draft, node)


def _have_wait(draft: Draft, node: Node) -> None:
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


def _to_run_again(node: Node) -> dict[str | int, Node]:
    """The children that have not succeeded, and all that depend on one of them."""
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

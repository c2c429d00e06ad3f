"""Tasks that run again: another attempt of a step, or what has not succeeded in a DAG or loop."""

from __future__ import annotations

from headrace_contracts.events import TaskReset
from headrace_contracts.states import TaskKind, TaskState

from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.run import NO_INPUTS, NO_OUTPUTS, Node
from headrace_scheduler.core.start import launch_again, tell_started

_INSIDE = (TaskKind.DAG, TaskKind.LOOP)


def try_again(draft: Draft, node: Node) -> None:
    """Another attempt of a task whose last one came to nothing."""
    if node.kind in _INSIDE:
        reopen(draft, node)
    else:
        launch_again(draft, node)


def reopen(draft: Draft, node: Node) -> None:
    """Go on with a DAG or loop that has ended: what succeeded in it stays, but for what depends
    on something that did not."""
    draft.put(
        node,
        state=TaskState.RUNNING,
        attempt=node.record.attempt + 1,
        due_at=None,
        failure=None,
        unreached=False,
        outputs=NO_OUTPUTS,
    )
    tell_started(draft, node)
    again = _to_run_again(node)
    for child in again:
        ready = not any(other in again for other in child.upstream())
        if ready and child.children and child.kind in _INSIDE:
            reopen(draft, child)
        else:
            reset(draft, child)
    node.recount()
    draft.agenda += [child for child in again if not child.waiting]
    draft.agenda.append(node)


def reset(draft: Draft, node: Node) -> None:
    """Have a task wait for its turn as if it had never had it; its next attempt has a new number,
    so that what is still heard of the earlier ones does not count."""
    for child in node.children.values():
        reset(draft, child)
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


def _to_run_again(node: Node) -> list[Node]:
    """The children that have not succeeded, and all that depend on one of them."""
    found: dict[str | int, Node] = {
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
    return list(found.values())

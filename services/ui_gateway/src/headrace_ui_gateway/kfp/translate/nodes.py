"""Finds the task that KFP's clients call a node."""

from __future__ import annotations

from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Run, Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.kfp.messages.errors import invalid


def node_of(run: Run, node: str) -> Task:
    """The task with this id, or the only one with this name or display name.

    Raises:
        RejectedError: no task or several tasks match.
    """
    tasks = run.tasks or ()
    found = [task for task in tasks if str(task.task_id) == node]
    found = found or [task for task in tasks if node in (task.name, task.display_name)]
    if not found:
        raise RejectedError.because(
            RejectionCode.NOT_FOUND, f"run {run.run_id} has no task {node!r}"
        )
    if len(found) > 1:
        raise invalid(f"{len(found)} tasks are named {node!r}; use a task's id", "node_id")
    return found[0]


def output_uri(task: Task, output: str) -> str | None:
    """The URI of the first artifact of a task's output."""
    given = task.outputs.artifacts.get(output)
    return given[0].uri if given else None

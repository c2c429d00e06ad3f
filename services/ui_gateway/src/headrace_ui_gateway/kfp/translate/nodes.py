"""A run's tasks, as KFP's clients name them."""

from __future__ import annotations

from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Run, Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.kfp.messages.errors import invalid


def node_of(run: Run, node: str) -> Task:
    """The task with this id, or else the only one with this name or display name.

    Raises:
        RejectedError: there is none, or there are several.
    """
    tasks = run.tasks or ()
    found = [task for task in tasks if str(task.task_id) == node]
    found = found or [task for task in tasks if node in (task.name, task.display_name)]
    if not found:
        raise RejectedError.because(
            RejectionCode.NOT_FOUND, f"run {run.run_id} has no task {node!r}"
        )
    if len(found) > 1:
        raise invalid(f"{len(found)} tasks are named {node!r}; give a task's id", "node_id")
    return found[0]


def uri_of(task: Task, output: str) -> str | None:
    """Where the first artifact of a task's output lies."""
    given = task.outputs.artifacts.get(output)
    return given[0].uri if given else None

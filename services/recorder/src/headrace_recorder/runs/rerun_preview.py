"""What a rerun of a run would reuse, by the rule that the scheduler applies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from headrace_contracts.failures import RejectionCode
from headrace_contracts.rerun import EarlierTask, reused_steps
from headrace_contracts.resources import Task
from headrace_contracts.states import TaskKind
from headrace_runtime.errors import RejectedError


def preview(tasks: Sequence[Task], chosen: Collection[str]) -> dict[str, Any]:
    """The steps that a rerun from the tasks at the paths `chosen` reuses, and those that it runs.

    Raises:
        RejectedError: the run has no task at one of the paths.
    """
    paths = {task.path for task in tasks}
    for path in chosen:
        if path not in paths:
            raise RejectedError.because(
                RejectionCode.NOT_FOUND, f"the run has no task {path!r}", "task"
            )
    graph = [
        EarlierTask(
            task_id=task.task_id,
            path=task.path,
            kind=task.kind,
            state=task.state,
            position=task.position,
            parent_id=task.parent_task_id,
            dependencies=task.dependencies,
        )
        for task in tasks
    ]
    reused = reused_steps(graph, chosen)
    steps = [task for task in tasks if task.kind is TaskKind.STEP]
    return {
        "reuse": [_reference(task) for task in steps if task.task_id in reused],
        "run": [_reference(task) for task in steps if task.task_id not in reused],
    }


def _reference(task: Task) -> dict[str, Any]:
    return {"task_id": str(task.task_id), "path": task.path, "display_name": task.display_name}

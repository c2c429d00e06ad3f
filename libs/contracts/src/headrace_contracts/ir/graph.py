"""The dependencies between the tasks of a DAG."""

from __future__ import annotations

from headrace_contracts.ir.models import Task

ALL_UPSTREAM_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"
"""The strategy of a task that runs regardless of the results of the tasks before it."""


def dependencies(task: Task) -> set[str]:
    """The sibling tasks that must end before this one can run: explicit ones and those that its
    inputs imply."""
    names = set(task.dependent_tasks)
    for parameter in task.inputs.parameters.values():
        if parameter.task_output_parameter:
            names.add(parameter.task_output_parameter.producer_task)
        if parameter.task_final_status:
            names.add(parameter.task_final_status.producer_task)
    for artifact in task.inputs.artifacts.values():
        if artifact.task_output_artifact:
            names.add(artifact.task_output_artifact.producer_task)
    return names

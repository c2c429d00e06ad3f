"""The graph of a DAG: which task has to end before which can run."""

from __future__ import annotations

from headrace_contracts.ir.models import Task

ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"
"""The strategy of a task that runs whatever became of those before it."""


def dependencies(task: Task) -> set[str]:
    """The sibling tasks that must end before this one can run, named or implied by its inputs."""
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

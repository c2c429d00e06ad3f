"""`headrace.dsl` inside a step: what a component's function may use while it runs.

The decorators return the function unchanged, so that a module of components can be imported in a
step. Other names of the authoring API raise an AttributeError.
"""

from __future__ import annotations

from headrace.step.artifacts import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Markdown,
    Metrics,
    Model,
    SlicedClassificationMetrics,
    get_uri,
)
from headrace.step.types import (
    EmbeddedInput,
    Input,
    InputPath,
    Output,
    OutputPath,
    PipelineTaskFinalStatus,
    TaskConfig,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [  # noqa: RUF022 - grouped by kind
    "Input",
    "Output",
    "InputPath",
    "OutputPath",
    "EmbeddedInput",
    "PipelineTaskFinalStatus",
    "TaskConfig",
    "Artifact",
    "ClassificationMetrics",
    "Dataset",
    "HTML",
    "Markdown",
    "Metrics",
    "Model",
    "SlicedClassificationMetrics",
    "get_uri",
    "run_notebook",
    "PIPELINE_JOB_NAME_PLACEHOLDER",
    "PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER",
    "PIPELINE_JOB_ID_PLACEHOLDER",
    "PIPELINE_TASK_NAME_PLACEHOLDER",
    "PIPELINE_TASK_ID_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER",
    "PIPELINE_ROOT_PLACEHOLDER",
    "PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER",
    "PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER",
    "WORKSPACE_PATH_PLACEHOLDER",
]

PIPELINE_JOB_NAME_PLACEHOLDER = "{{$.pipeline_job_name}}"
"""The run's display name."""
PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER = "{{$.pipeline_job_resource_name}}"
"""The run's name in the workflow engine."""
PIPELINE_JOB_ID_PLACEHOLDER = "{{$.pipeline_job_uuid}}"
"""The run's id."""
PIPELINE_TASK_NAME_PLACEHOLDER = "{{$.pipeline_task_name}}"
"""The task's name."""
PIPELINE_TASK_ID_PLACEHOLDER = "{{$.pipeline_task_uuid}}"
"""The task's id."""
PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER = "{{$.outputs.output_file}}"
"""The path of the task's executor output, the JSON file with its outputs."""
PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER = "{{$}}"
"""The task's executor input, as JSON."""
PIPELINE_ROOT_PLACEHOLDER = "{{$.pipeline_root}}"
"""The folder or URI below which the run's artifacts are stored."""
PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER = "{{$.pipeline_job_create_time_utc}}"
"""When the run was created."""
PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER = "{{$.pipeline_job_schedule_time_utc}}"
"""The time that the run was scheduled for."""
WORKSPACE_PATH_PLACEHOLDER = "{{$.workspace_path}}"
"""The folder that all tasks of the run share; the pipeline needs a `WorkspaceConfig`."""

_DECORATORS = ("component", "container_component", "notebook_component", "pipeline")


def run_notebook(**kwargs: Any) -> None:
    """Run the notebook of a notebook component with these parameters.

    Raises:
        NotImplementedError: It is not called in the step of a notebook component.
    """
    raise NotImplementedError(
        "dsl.run_notebook is only available inside a @dsl.notebook_component at runtime."
    )


def __getattr__(name: str) -> Any:
    if name in _DECORATORS:
        return _unchanged
    raise AttributeError(
        f"dsl.{name} is not available inside a step: the name does not exist, or is only for "
        "defining pipelines"
    )


def _unchanged(func: Any = None, **settings: Any) -> Any:
    """A decorator, with or without settings, that returns the function unchanged."""
    return (lambda function: function) if func is None else func

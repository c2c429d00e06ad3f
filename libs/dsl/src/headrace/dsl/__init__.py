"""The authoring API: components, pipelines, control flow, artifacts.

Invariant: it imports the standard library alone. In a step, where ``_HEADRACE_RUNTIME`` is true, it
holds what a function may use, and nothing that defines pipelines.
"""

from __future__ import annotations

import os
from typing import Any

from headrace.component.artifacts import (
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
from headrace.component.types import (
    EmbeddedAnnotation,
    EmbeddedInput,
    Input,
    InputAnnotation,
    InputPath,
    Output,
    OutputAnnotation,
    OutputPath,
    PipelineTaskFinalStatus,
    TaskConfig,
)
from headrace.dsl.placeholders import (
    PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
    PIPELINE_JOB_ID_PLACEHOLDER,
    PIPELINE_JOB_NAME_PLACEHOLDER,
    PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
    PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
    PIPELINE_ROOT_PLACEHOLDER,
    PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
    PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER,
    PIPELINE_TASK_ID_PLACEHOLDER,
    PIPELINE_TASK_NAME_PLACEHOLDER,
    WORKSPACE_PATH_PLACEHOLDER,
)


def run_notebook(**kwargs: Any) -> None:
    """Run the notebook of a `dsl.notebook_component`, with values for its parameters.

    Raises:
        NotImplementedError: this is not the step of such a component.
    """
    raise NotImplementedError(
        "dsl.run_notebook is only available inside a @dsl.notebook_component at runtime."
    )


__all__ = [
    "HTML",
    "PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER",
    "PIPELINE_JOB_ID_PLACEHOLDER",
    "PIPELINE_JOB_NAME_PLACEHOLDER",
    "PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER",
    "PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER",
    "PIPELINE_ROOT_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER",
    "PIPELINE_TASK_ID_PLACEHOLDER",
    "PIPELINE_TASK_NAME_PLACEHOLDER",
    "WORKSPACE_PATH_PLACEHOLDER",
    "Artifact",
    "ClassificationMetrics",
    "Dataset",
    "EmbeddedAnnotation",
    "EmbeddedInput",
    "Input",
    "InputAnnotation",
    "InputPath",
    "Markdown",
    "Metrics",
    "Model",
    "Output",
    "OutputAnnotation",
    "OutputPath",
    "PipelineTaskFinalStatus",
    "SlicedClassificationMetrics",
    "TaskConfig",
    "get_uri",
    "run_notebook",
]

if os.environ.get("_HEADRACE_RUNTIME") != "true":
    from headrace.dsl.channels import Collected, PipelineChannel
    from headrace.dsl.config import (
        KubernetesWorkspaceConfig,
        PipelineConfig,
        TaskConfigField,
        TaskConfigPassthrough,
        WorkspaceConfig,
    )
    from headrace.dsl.decorators import (
        component,
        container_component,
        notebook_component,
        pipeline,
    )
    from headrace.dsl.groups import Condition, Elif, Else, ExitHandler, If, ParallelFor
    from headrace.dsl.importer import importer
    from headrace.dsl.oneof import OneOf
    from headrace.dsl.placeholders import ConcatPlaceholder, IfPresentPlaceholder
    from headrace.dsl.structure import ContainerSpec
    from headrace.dsl.task import PipelineTask

    __all__ += [
        "Collected",
        "ConcatPlaceholder",
        "Condition",
        "ContainerSpec",
        "Elif",
        "Else",
        "ExitHandler",
        "If",
        "IfPresentPlaceholder",
        "KubernetesWorkspaceConfig",
        "OneOf",
        "ParallelFor",
        "PipelineChannel",
        "PipelineConfig",
        "PipelineTask",
        "TaskConfigField",
        "TaskConfigPassthrough",
        "WorkspaceConfig",
        "component",
        "container_component",
        "importer",
        "notebook_component",
        "pipeline",
    ]

    def __getattr__(name: str) -> Any:
        from headrace.v1.names import find

        return find(name)

"""The authoring API: components, pipelines, control flow, artifacts.

Invariant: it imports the standard library alone. In a step, `headrace.component.step_dsl` stands
for it, with what a function may use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    ConcatPlaceholder,
    IfPresentPlaceholder,
)
from headrace.dsl.structure import ContainerSpec
from headrace.dsl.task import PipelineTask

if TYPE_CHECKING:  # each is imported when it is first asked for, as few pipelines use any
    from headrace.v1.conf import PipelineConf as PipelineConf
    from headrace.v1.conf import get_pipeline_conf as get_pipeline_conf
    from headrace.v1.op import BaseOp as BaseOp
    from headrace.v1.op import ContainerOp as ContainerOp
    from headrace.v1.pipeline import EXECUTION_ID_PLACEHOLDER as EXECUTION_ID_PLACEHOLDER
    from headrace.v1.pipeline import RUN_ID_PLACEHOLDER as RUN_ID_PLACEHOLDER
    from headrace.v1.pipeline import PipelineParam as PipelineParam
    from headrace.v1.raw import InputArgumentPath as InputArgumentPath
    from headrace.v1.volumes import VOLUME_MODE_ROM as VOLUME_MODE_ROM
    from headrace.v1.volumes import VOLUME_MODE_RWM as VOLUME_MODE_RWM
    from headrace.v1.volumes import VOLUME_MODE_RWO as VOLUME_MODE_RWO
    from headrace.v1.volumes import PipelineVolume as PipelineVolume
    from headrace.v1.volumes import VolumeOp as VolumeOp
else:

    def __getattr__(name: str) -> Any:
        from headrace.v1.names import find

        return find(name)


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
    "Collected",
    "ConcatPlaceholder",
    "Condition",
    "ContainerSpec",
    "Dataset",
    "Elif",
    "Else",
    "EmbeddedAnnotation",
    "EmbeddedInput",
    "ExitHandler",
    "If",
    "IfPresentPlaceholder",
    "Input",
    "InputAnnotation",
    "InputPath",
    "KubernetesWorkspaceConfig",
    "Markdown",
    "Metrics",
    "Model",
    "OneOf",
    "Output",
    "OutputAnnotation",
    "OutputPath",
    "ParallelFor",
    "PipelineChannel",
    "PipelineConfig",
    "PipelineTask",
    "PipelineTaskFinalStatus",
    "SlicedClassificationMetrics",
    "TaskConfig",
    "TaskConfigField",
    "TaskConfigPassthrough",
    "WorkspaceConfig",
    "component",
    "container_component",
    "get_uri",
    "importer",
    "notebook_component",
    "pipeline",
    "run_notebook",
]

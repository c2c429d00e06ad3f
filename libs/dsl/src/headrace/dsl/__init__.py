"""The authoring API: components, pipelines, control flow, artifacts.

Invariant: it imports no third-party package. Inside a step, `headrace.step.dsl` replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.authoring import version1_hook
from headrace.authoring.decorators import (
    component,
    container_component,
    notebook_component,
    pipeline,
)
from headrace.authoring.importer import importer
from headrace.graph.channels import Collected, PipelineChannel
from headrace.graph.config import (
    KubernetesWorkspaceConfig,
    PipelineConfig,
    TaskConfigField,
    TaskConfigPassthrough,
    WorkspaceConfig,
)
from headrace.graph.control_flow import Condition, Elif, Else, ExitHandler, If, ParallelFor
from headrace.graph.interfaces.placeholders import ConcatPlaceholder, IfPresentPlaceholder
from headrace.graph.interfaces.specs import ContainerSpec
from headrace.graph.oneof import OneOf
from headrace.graph.task import PipelineTask
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
from headrace.step.dsl import (
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
    run_notebook,
)
from headrace.step.types import (
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
from headrace.v1 import hook

version1_hook.install(hook)

if TYPE_CHECKING:  # imported on first use: few pipelines use version 1
    from headrace.v1.ops.container_op import ContainerOp as ContainerOp
    from headrace.v1.ops.container_op import InputArgumentPath as InputArgumentPath
    from headrace.v1.ops.op import BaseOp as BaseOp
    from headrace.v1.pipeline_conf import PipelineConf as PipelineConf
    from headrace.v1.pipeline_state import get_pipeline_conf as get_pipeline_conf
    from headrace.v1.signature import EXECUTION_ID_PLACEHOLDER as EXECUTION_ID_PLACEHOLDER
    from headrace.v1.signature import RUN_ID_PLACEHOLDER as RUN_ID_PLACEHOLDER
    from headrace.v1.signature import PipelineParam as PipelineParam
    from headrace.v1.volumes import VOLUME_MODE_ROM as VOLUME_MODE_ROM
    from headrace.v1.volumes import VOLUME_MODE_RWM as VOLUME_MODE_RWM
    from headrace.v1.volumes import VOLUME_MODE_RWO as VOLUME_MODE_RWO
    from headrace.v1.volumes import PipelineVolume as PipelineVolume
    from headrace.v1.volumes import VolumeOp as VolumeOp
else:

    def __getattr__(name: str) -> Any:
        from headrace.v1.public_names import find

        return find(name)


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

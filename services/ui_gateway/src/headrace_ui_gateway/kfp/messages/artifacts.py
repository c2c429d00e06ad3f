"""Messages of KFP's artifact and task API, which replaces ML Metadata.

Source: the protos of KFP's proposal to replace ML Metadata, and of its main branch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from headrace_ui_gateway.kfp.messages.resources import GoogleRpcStatus
from headrace_ui_gateway.kfp.messages.runs import RuntimeState, State, V2beta1RuntimeStatus
from headrace_ui_gateway.kfp.messages.wire import ByNumber, Int32, Int64, Message, Struct, Timestamp


class ArtifactKind(StrEnum):
    """The artifact types that KFP names. Every other one is `Artifact`, with its full name in
    `metadata.type`."""

    TYPE_UNSPECIFIED = "TYPE_UNSPECIFIED"
    ARTIFACT = "Artifact"
    MODEL = "Model"
    DATASET = "Dataset"
    HTML = "HTML"
    MARKDOWN = "Markdown"
    METRIC = "Metric"
    CLASSIFICATION_METRIC = "ClassificationMetric"
    SLICED_CLASSIFICATION_METRIC = "SlicedClassificationMetric"


class V2beta1Artifact(Message):
    """A reference to bytes, with a type and metadata."""

    artifact_id: str = ""
    name: str = ""
    description: str = ""
    type: Annotated[ArtifactKind, ByNumber()] = ArtifactKind.TYPE_UNSPECIFIED
    uri: str = ""
    metadata: Struct = {}
    number_value: float | None = None
    """The value of a metric with a single value."""
    created_at: Timestamp | None = None
    namespace: str = ""


class V2beta1ListArtifactsResponse(Message):
    """A page of artifacts."""

    artifacts: list[V2beta1Artifact] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class ArtifactTaskType(StrEnum):
    """Whether an artifact is an input or an output of a task."""

    TYPE_UNSPECIFIED = "TYPE_UNSPECIFIED"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class V2beta1ArtifactTask(Message):
    """An artifact as an input or output of a task."""

    id: str = ""
    artifact_id: str = ""
    run_id: str = ""
    task_id: str = ""
    type: Annotated[ArtifactTaskType, ByNumber()] = ArtifactTaskType.TYPE_UNSPECIFIED
    key: str = ""
    """The name of the task's input or output."""


class V2beta1ListArtifactTasksResponse(Message):
    """A page of inputs and outputs."""

    artifact_tasks: list[V2beta1ArtifactTask] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class TaskType(StrEnum):
    """The kind of a task."""

    ROOT = "ROOT"
    RUNTIME = "RUNTIME"
    CONDITION_BRANCH = "CONDITION_BRANCH"
    CONDITION = "CONDITION"
    LOOP = "LOOP"
    LOOP_ITERATION = "LOOP_ITERATION"
    EXIT_HANDLER = "EXIT_HANDLER"
    DAG = "DAG"


class PodType(StrEnum):
    """The role of a pod."""

    UNSPECIFIED = "UNSPECIFIED"
    DRIVER = "DRIVER"
    EXECUTOR = "EXECUTOR"


class TaskPod(Message):
    """The pod in which an attempt ran."""

    name: str = ""
    uid: str = ""
    type: Annotated[PodType, ByNumber()] = PodType.UNSPECIFIED


class TypeAttributes(Message):
    """The index of an iteration, from 0, or the number of iterations of a loop."""

    iteration_index: Int64 | None = None
    iteration_count: Int64 | None = None


class IoParameter(Message):
    """A parameter of an input or output."""

    parameter_key: str = ""
    value: Any = None


class IoArtifact(Message):
    """The artifacts of an input or output."""

    artifact_key: str = ""
    artifacts: list[V2beta1Artifact] = []


class InputsOutputs(Message):
    """The inputs or outputs of a task."""

    parameters: list[IoParameter] = []
    artifacts: list[IoArtifact] = []


class V2beta1Task(Message):
    """The current state of a task."""

    task_id: str = ""
    run_id: str = ""
    name: str = ""
    display_name: str = ""
    parent_task_id: str = ""
    create_time: Timestamp | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    state: State = RuntimeState.RUNTIME_STATE_UNSPECIFIED
    status_metadata: GoogleRpcStatus | None = None
    state_history: list[V2beta1RuntimeStatus] = []
    type: Annotated[TaskType, ByNumber()] | None = None
    type_attributes: TypeAttributes | None = None
    pods: list[TaskPod] = []
    cache_fingerprint: str = ""
    inputs: InputsOutputs | None = None
    outputs: InputsOutputs | None = None


class V2beta1ListTasksResponse(Message):
    """A page of tasks."""

    tasks: list[V2beta1Task] = []
    total_size: Int32 = 0
    next_page_token: str = ""

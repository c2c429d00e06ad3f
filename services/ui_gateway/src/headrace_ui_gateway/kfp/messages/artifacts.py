"""Messages of the artifact and task API, in the shape of KFP's own successor to ML Metadata.

Source: the protos of KFP's proposal to replace ML Metadata, and what its main branch adds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from headrace_ui_gateway.kfp.messages.resources import GoogleRpcStatus
from headrace_ui_gateway.kfp.messages.runs import RuntimeState, State, V2beta1RuntimeStatus
from headrace_ui_gateway.kfp.messages.wire import ByNumber, Int32, Int64, Message, Moment, Struct


class ArtifactKind(StrEnum):
    """The kinds that KFP knows by name; any other is `Artifact`, its full name in
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
    """Of a metric with one value, that value."""
    created_at: Moment | None = None
    namespace: str = ""


class V2beta1ListArtifactsResponse(Message):
    """A page of artifacts."""

    artifacts: list[V2beta1Artifact] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class ArtifactTaskType(StrEnum):
    """Whether a task took an artifact or made it."""

    TYPE_UNSPECIFIED = "TYPE_UNSPECIFIED"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class V2beta1ArtifactTask(Message):
    """That a task took an artifact or made it."""

    id: str = ""
    artifact_id: str = ""
    run_id: str = ""
    task_id: str = ""
    type: Annotated[ArtifactTaskType, ByNumber()] = ArtifactTaskType.TYPE_UNSPECIFIED
    key: str = ""
    """The name of the task's input or output."""


class V2beta1ListArtifactTasksResponse(Message):
    """A page of them."""

    artifact_tasks: list[V2beta1ArtifactTask] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class TaskType(StrEnum):
    """What a task is."""

    ROOT = "ROOT"
    RUNTIME = "RUNTIME"
    CONDITION_BRANCH = "CONDITION_BRANCH"
    CONDITION = "CONDITION"
    LOOP = "LOOP"
    LOOP_ITERATION = "LOOP_ITERATION"
    EXIT_HANDLER = "EXIT_HANDLER"
    DAG = "DAG"


class PodType(StrEnum):
    """What ran in a pod."""

    UNSPECIFIED = "UNSPECIFIED"
    DRIVER = "DRIVER"
    EXECUTOR = "EXECUTOR"


class TaskPod(Message):
    """Where an attempt ran."""

    name: str = ""
    uid: str = ""
    type: Annotated[PodType, ByNumber()] = PodType.UNSPECIFIED


class TypeAttributes(Message):
    """Of an iteration, its number from 0; of a loop, how many there are."""

    iteration_index: Int64 | None = None
    iteration_count: Int64 | None = None


class IoParameter(Message):
    """A parameter at an input or output."""

    parameter_key: str = ""
    value: Any = None


class IoArtifact(Message):
    """The artifacts at an input or output."""

    artifact_key: str = ""
    artifacts: list[V2beta1Artifact] = []


class InputsOutputs(Message):
    """What a task took, or made."""

    parameters: list[IoParameter] = []
    artifacts: list[IoArtifact] = []


class V2beta1Task(Message):
    """A task as it stands."""

    task_id: str = ""
    run_id: str = ""
    name: str = ""
    display_name: str = ""
    parent_task_id: str = ""
    create_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
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

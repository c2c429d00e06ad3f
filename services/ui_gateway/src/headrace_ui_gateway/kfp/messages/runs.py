"""Messages of KFP's v2beta1 API for runs. Names and fields are those of its protos."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from headrace_ui_gateway.kfp.messages.resources import (
    GoogleRpcStatus,
    StorageState,
    V2beta1PipelineVersionReference,
    V2beta1RuntimeConfig,
)
from headrace_ui_gateway.kfp.messages.wire import ByNumber, Int32, Int64, Message, Struct, Timestamp


class RuntimeState(StrEnum):
    """The state of a run or task."""

    RUNTIME_STATE_UNSPECIFIED = "RUNTIME_STATE_UNSPECIFIED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    PAUSED = "PAUSED"


State = Annotated[RuntimeState, ByNumber()]


class V2beta1RuntimeStatus(Message):
    """A state and when it was entered."""

    update_time: Timestamp | None = None
    state: State = RuntimeState.RUNTIME_STATE_UNSPECIFIED
    error: GoogleRpcStatus | None = None


class V2beta1ArtifactList(Message):
    """The artifacts of one input or output."""

    artifact_ids: list[str] = []


class PipelineTaskDetailChildTask(Message):
    """A task inside another one."""

    task_id: str = ""
    pod_name: str = ""


class V2beta1PipelineTaskExecutorDetail(Message):
    """The jobs of a task: the latest attempt, and the failed ones before it."""

    main_job: str = ""
    pre_caching_check_job: str = ""
    failed_main_jobs: list[str] = []
    failed_pre_caching_check_jobs: list[str] = []


class V2beta1PipelineTaskDetail(Message):
    """The current state of a task."""

    run_id: str = ""
    task_id: str = ""
    display_name: str = ""
    create_time: Timestamp | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    executor_detail: V2beta1PipelineTaskExecutorDetail | None = None
    state: State = RuntimeState.RUNTIME_STATE_UNSPECIFIED
    execution_id: Int64 = 0
    error: GoogleRpcStatus | None = None
    inputs: dict[str, V2beta1ArtifactList] = {}
    outputs: dict[str, V2beta1ArtifactList] = {}
    parent_task_id: str = ""
    state_history: list[V2beta1RuntimeStatus] = []
    pod_name: str = ""
    child_tasks: list[PipelineTaskDetailChildTask] = []


class V2beta1RunDetails(Message):
    """A run's tasks. The context ids are those of ML Metadata, which Headrace does not have."""

    pipeline_context_id: Int64 = 0
    pipeline_run_context_id: Int64 = 0
    task_details: list[V2beta1PipelineTaskDetail] = []


class PluginState(StrEnum):
    """The state of a plugin's work."""

    PLUGIN_STATE_UNSPECIFIED = "PLUGIN_STATE_UNSPECIFIED"
    PLUGIN_RUNNING = "PLUGIN_RUNNING"
    PLUGIN_SUCCEEDED = "PLUGIN_SUCCEEDED"
    PLUGIN_FAILED = "PLUGIN_FAILED"


class RenderType(StrEnum):
    """How a UI renders a plugin's value."""

    UNSPECIFIED = "UNSPECIFIED"
    URL = "URL"


class V2beta1MetadataValue(Message):
    """A value that a plugin reports."""

    value: object = None
    render_type: Annotated[RenderType, ByNumber()] = RenderType.UNSPECIFIED


class V2beta1PluginOutput(Message):
    """What a plugin reports about a run. Never in responses: Headrace has no plugins."""

    entries: dict[str, V2beta1MetadataValue] = {}
    state: Annotated[PluginState, ByNumber()] = PluginState.PLUGIN_STATE_UNSPECIFIED
    state_message: str = ""


class V2beta1Run(Message):
    """A run. In a request the fields that only the server sets are ignored."""

    experiment_id: str = ""
    run_id: str = ""
    display_name: str = ""
    storage_state: Annotated[StorageState, ByNumber()] = StorageState.STORAGE_STATE_UNSPECIFIED
    description: str = ""
    pipeline_version_id: str = ""
    pipeline_spec: Struct | None = None
    pipeline_version_reference: V2beta1PipelineVersionReference | None = None
    runtime_config: V2beta1RuntimeConfig | None = None
    service_account: str = ""
    created_at: Timestamp | None = None
    scheduled_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    state: State = RuntimeState.RUNTIME_STATE_UNSPECIFIED
    error: GoogleRpcStatus | None = None
    run_details: V2beta1RunDetails | None = None
    recurring_run_id: str = ""
    state_history: list[V2beta1RuntimeStatus] = []
    plugins_input: dict[str, Struct] = {}
    plugins_output: dict[str, V2beta1PluginOutput] = {}


class V2beta1ListRunsResponse(Message):
    """A page of runs, without their specs and tasks."""

    runs: list[V2beta1Run] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class ReadArtifactResponse(Message):
    """The content of an artifact in base64."""

    data: str = ""

"""Messages of KFP's v2beta1 API, except those of runs. Names and fields are those of its protos.

A contract test compares them with the models in KFP's own generated client.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from headrace_ui_gateway.kfp.messages.wire import (
    Bool,
    ByNumber,
    Int32,
    Int64,
    Message,
    Struct,
    Timestamp,
)


class Empty(Message):
    """An empty response."""


class ProtobufAny(Message):
    """Details of an error: a message that names its own type."""

    model_config = ConfigDict(extra="allow", frozen=True, serialize_by_alias=True)

    type: str = Field(default="", alias="@type")


class GoogleRpcStatus(Message):
    """An error: its gRPC code and a message."""

    code: Int32 = 0
    message: str = ""
    details: list[ProtobufAny] = []


class UploadError(Message):
    """An error of an upload."""

    error_message: str = ""
    error_details: str = ""


class GetHealthzResponse(Message):
    """Whether the deployment is multi-user, and where it stores pipelines."""

    multi_user: bool
    pipeline_store: str


class AuthorizeVerb(StrEnum):
    """An action on a resource."""

    UNASSIGNED_VERB = "UNASSIGNED_VERB"
    CREATE = "CREATE"
    GET = "GET"
    DELETE = "DELETE"


class AuthorizeResources(StrEnum):
    """Resources whose access can be checked; KFP has only viewers."""

    UNASSIGNED_RESOURCES = "UNASSIGNED_RESOURCES"
    VIEWERS = "VIEWERS"


class StorageState(StrEnum):
    """Whether an object is archived."""

    STORAGE_STATE_UNSPECIFIED = "STORAGE_STATE_UNSPECIFIED"
    AVAILABLE = "AVAILABLE"
    ARCHIVED = "ARCHIVED"


class V2beta1Experiment(Message):
    """A named group of runs."""

    experiment_id: str = ""
    display_name: str = ""
    description: str = ""
    created_at: Timestamp | None = None
    namespace: str = ""
    storage_state: Annotated[StorageState, ByNumber()] = StorageState.STORAGE_STATE_UNSPECIFIED
    last_run_created_at: Timestamp | None = None


class V2beta1ListExperimentsResponse(Message):
    """A page of experiments."""

    experiments: list[V2beta1Experiment] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class V2beta1Url(Message):
    """The URL of a package."""

    pipeline_url: str = ""


class V2beta1Pipeline(Message):
    """A named pipeline. Its versions contain the specs."""

    pipeline_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str = ""
    created_at: Timestamp | None = None
    namespace: str = ""
    error: GoogleRpcStatus | None = None
    tags: dict[str, str] = {}


class V2beta1PipelineVersion(Message):
    """One immutable spec of a pipeline. Lists omit `pipeline_spec`. Its field names are those of
    KFP's IR, in camelCase."""

    pipeline_id: str = ""
    pipeline_version_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str = ""
    created_at: Timestamp | None = None
    package_url: V2beta1Url | None = None
    code_source_url: str = ""
    pipeline_spec: Struct | None = None
    error: GoogleRpcStatus | None = None
    tags: dict[str, str] = {}


class V2beta1CreatePipelineAndVersionRequest(Message):
    """A pipeline and its first version."""

    pipeline: V2beta1Pipeline | None = None
    pipeline_version: V2beta1PipelineVersion | None = None


class V2beta1ListPipelinesResponse(Message):
    """A page of pipelines."""

    pipelines: list[V2beta1Pipeline] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class V2beta1ListPipelineVersionsResponse(Message):
    """A page of a pipeline's versions."""

    pipeline_versions: list[V2beta1PipelineVersion] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class V2beta1PipelineVersionReference(Message):
    """A reference to a pipeline version."""

    pipeline_id: str = ""
    pipeline_version_id: str = ""


class V2beta1RuntimeConfig(Message):
    """The parameters and output location of a run."""

    parameters: Struct = {}
    pipeline_root: str = ""


class Mode(StrEnum):
    """The requested state of a recurring run."""

    MODE_UNSPECIFIED = "MODE_UNSPECIFIED"
    ENABLE = "ENABLE"
    DISABLE = "DISABLE"


class RecurringRunStatus(StrEnum):
    """The current state of a recurring run."""

    STATUS_UNSPECIFIED = "STATUS_UNSPECIFIED"
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DeletePropagationPolicy(StrEnum):
    """How Kubernetes deletes dependent objects. Accepted and ignored: runs that a recurring run has
    submitted stay."""

    DELETE_PROPAGATION_POLICY_UNSPECIFIED = "DELETE_PROPAGATION_POLICY_UNSPECIFIED"
    FOREGROUND = "FOREGROUND"
    BACKGROUND = "BACKGROUND"
    ORPHAN = "ORPHAN"


class V2beta1CronSchedule(Message):
    """A cron expression with six fields, seconds first."""

    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    cron: str = ""


class V2beta1PeriodicSchedule(Message):
    """A fixed interval."""

    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    interval_second: Int64 = 0


class V2beta1Trigger(Message):
    """When runs are due. Exactly one of the two is set."""

    cron_schedule: V2beta1CronSchedule | None = None
    periodic_schedule: V2beta1PeriodicSchedule | None = None


class V2beta1RecurringRun(Message):
    """A schedule on which a pipeline runs."""

    recurring_run_id: str = ""
    display_name: str = ""
    description: str = ""
    pipeline_version_id: str = ""
    pipeline_spec: Struct | None = None
    pipeline_version_reference: V2beta1PipelineVersionReference | None = None
    runtime_config: V2beta1RuntimeConfig | None = None
    service_account: str = ""
    max_concurrency: Int64 = 0
    trigger: V2beta1Trigger | None = None
    mode: Annotated[Mode, ByNumber()] = Mode.MODE_UNSPECIFIED
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    status: Annotated[RecurringRunStatus, ByNumber()] = RecurringRunStatus.STATUS_UNSPECIFIED
    error: GoogleRpcStatus | None = None
    no_catchup: Bool = False
    namespace: str = ""
    experiment_id: str = ""
    plugins_input: dict[str, Struct] = {}


class V2beta1ListRecurringRunsResponse(Message):
    """A page of recurring runs. KFP responds with one name in camelCase."""

    recurring_runs: list[V2beta1RecurringRun] = Field(
        default=[], serialization_alias="recurringRuns"
    )
    total_size: Int32 = 0
    next_page_token: str = ""

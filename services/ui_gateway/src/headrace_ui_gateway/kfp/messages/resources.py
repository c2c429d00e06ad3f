"""The messages of KFP's v2beta1 API but for runs. Names and fields are those of its protos."""

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
    Moment,
    Struct,
)


class Empty(Message):
    """The answer of an operation that has nothing to say."""


class ProtobufAny(Message):
    """More about an error: a message that names its own type."""

    model_config = ConfigDict(extra="allow", frozen=True, serialize_by_alias=True)

    type: str = Field(default="", alias="@type")


class GoogleRpcStatus(Message):
    """An error: gRPC's code, and a sentence."""

    code: Int32 = 0
    message: str = ""
    details: list[ProtobufAny] = []


class UploadError(Message):
    """An error of an upload, which has a shape of its own."""

    error_message: str = ""
    error_details: str = ""


class GetHealthzResponse(Message):
    """Whether there are namespaces and users, and where pipelines are kept."""

    multi_user: bool
    pipeline_store: str


class AuthorizeVerb(StrEnum):
    """What somebody asks to be allowed."""

    UNASSIGNED_VERB = "UNASSIGNED_VERB"
    CREATE = "CREATE"
    GET = "GET"
    DELETE = "DELETE"


class AuthorizeResources(StrEnum):
    """To what; viewers are the only thing that KFP has here."""

    UNASSIGNED_RESOURCES = "UNASSIGNED_RESOURCES"
    VIEWERS = "VIEWERS"


class StorageState(StrEnum):
    """Whether something is archived."""

    STORAGE_STATE_UNSPECIFIED = "STORAGE_STATE_UNSPECIFIED"
    AVAILABLE = "AVAILABLE"
    ARCHIVED = "ARCHIVED"


class V2beta1Experiment(Message):
    """A named group of runs."""

    experiment_id: str = ""
    display_name: str = ""
    description: str = ""
    created_at: Moment | None = None
    namespace: str = ""
    storage_state: Annotated[StorageState, ByNumber()] = StorageState.STORAGE_STATE_UNSPECIFIED
    last_run_created_at: Moment | None = None


class V2beta1ListExperimentsResponse(Message):
    """A page of experiments."""

    experiments: list[V2beta1Experiment] = []
    total_size: Int32 = 0
    next_page_token: str = ""


class V2beta1Url(Message):
    """Where a package can be fetched."""

    pipeline_url: str = ""


class V2beta1Pipeline(Message):
    """A named pipeline; what it does is in its versions."""

    pipeline_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str = ""
    created_at: Moment | None = None
    namespace: str = ""
    error: GoogleRpcStatus | None = None
    tags: dict[str, str] = {}


class V2beta1PipelineVersion(Message):
    """One frozen spec of a pipeline. `pipeline_spec` is left out of lists; it keeps the names of
    KFP's IR, which are in camelCase."""

    pipeline_id: str = ""
    pipeline_version_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str = ""
    created_at: Moment | None = None
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
    """A version of a pipeline."""

    pipeline_id: str = ""
    pipeline_version_id: str = ""


class V2beta1RuntimeConfig(Message):
    """What a run is given."""

    parameters: Struct = {}
    pipeline_root: str = ""


class Mode(StrEnum):
    """Whether a recurring run shall be enabled."""

    MODE_UNSPECIFIED = "MODE_UNSPECIFIED"
    ENABLE = "ENABLE"
    DISABLE = "DISABLE"


class RecurringRunStatus(StrEnum):
    """Whether a recurring run is enabled."""

    STATUS_UNSPECIFIED = "STATUS_UNSPECIFIED"
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DeletePropagationPolicy(StrEnum):
    """What Kubernetes does with what belongs to a thing that is deleted. Accepted and not needed:
    runs that a recurring run has submitted stay."""

    DELETE_PROPAGATION_POLICY_UNSPECIFIED = "DELETE_PROPAGATION_POLICY_UNSPECIFIED"
    FOREGROUND = "FOREGROUND"
    BACKGROUND = "BACKGROUND"
    ORPHAN = "ORPHAN"


class V2beta1CronSchedule(Message):
    """Slots by a cron expression of six fields, seconds first."""

    start_time: Moment | None = None
    end_time: Moment | None = None
    cron: str = ""


class V2beta1PeriodicSchedule(Message):
    """Slots at an interval."""

    start_time: Moment | None = None
    end_time: Moment | None = None
    interval_second: Int64 = 0


class V2beta1Trigger(Message):
    """When runs are due; one of the two."""

    cron_schedule: V2beta1CronSchedule | None = None
    periodic_schedule: V2beta1PeriodicSchedule | None = None


class V2beta1RecurringRun(Message):
    """What submits runs by the clock."""

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
    created_at: Moment | None = None
    updated_at: Moment | None = None
    status: Annotated[RecurringRunStatus, ByNumber()] = RecurringRunStatus.STATUS_UNSPECIFIED
    error: GoogleRpcStatus | None = None
    no_catchup: Bool = False
    namespace: str = ""
    experiment_id: str = ""
    plugins_input: dict[str, Struct] = {}


class V2beta1ListRecurringRunsResponse(Message):
    """A page of recurring runs. The one name in camelCase that KFP answers with."""

    recurring_runs: list[V2beta1RecurringRun] = Field(
        default=[], serialization_alias="recurringRuns"
    )
    total_size: Int32 = 0
    next_page_token: str = ""

"""The resources of the HTTP interfaces, as `api` and `recorder` return them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Failure
from headrace_contracts.ir.storable import require_storable
from headrace_contracts.messages.events import Origin, PipelineIdentity, Rerun
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Inputs, Outputs


class Experiment(Contract):
    """A named group of runs in a namespace."""

    experiment_id: UUID
    namespace: str
    display_name: str
    description: str = ""
    created_at: Instant
    archived: bool = False
    last_run_created_at: Instant | None = None
    """When its newest run was submitted; None if it has no runs."""


class Pipeline(Contract):
    """A named pipeline. Its versions hold the specs."""

    pipeline_id: UUID
    namespace: str
    name: str
    display_name: str
    description: str = ""
    created_at: Instant
    tags: dict[str, str] = {}
    max_active_runs: int | None = None
    """How many of its runs may be active at the same time; None is no limit."""


class NamespaceLimits(Contract):
    """The limits of a namespace."""

    namespace: str
    max_active_runs: int | None = None
    """How many of its runs may be active at the same time; None is no limit."""


class PipelineVersion(Contract):
    """One frozen spec of a pipeline. Lists omit `document`."""

    pipeline_version_id: UUID
    pipeline_id: UUID
    name: str
    display_name: str
    description: str = ""
    created_at: Instant
    tags: dict[str, str] = {}
    package_url: str | None = None
    """The URL that its package was fetched from; None if it was uploaded."""
    code_source_url: str | None = None
    """The URL of its source code, as given by its author."""
    document: dict[str, Any] | None = None


class VersionChanges(Contract):
    """A change of a pipeline version; omitted fields stay the same."""

    model_config = {**Contract.model_config, "extra": "forbid"}

    display_name: str | None = Field(default=None, min_length=1, max_length=127)
    description: str | None = None
    tags: dict[str, str] | None = None
    """Replaces all tags."""

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        return require_storable(values)


class PipelineChanges(VersionChanges):
    """A change of a pipeline; omitted fields stay the same."""

    display_name: str | None = Field(default=None, min_length=1, max_length=128)
    max_active_runs: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many of its runs may be active at the same time; an explicit null removes the limit."""


class SubmittedRun(Contract):
    """A run as the api accepted it. Its state is known to the recorder."""

    run_id: UUID
    namespace: str
    experiment_id: UUID
    display_name: str
    description: str = ""
    pipeline: PipelineIdentity
    parameters: dict[str, Any] = {}
    pipeline_root: str | None = None
    service_account: str = ""
    submitted_at: Instant
    priority: int = 0
    rerun: Rerun | None = None
    recurring_run_id: UUID | None = None
    scheduled_at: Instant | None = None
    archived: bool = False
    duplicate: bool = False
    """True if the idempotency key belongs to a run that was accepted before."""


class Task(Contract):
    """A task in its current state."""

    task_id: UUID
    run_id: UUID | None = None
    """Omitted within its run."""
    name: str
    display_name: str
    path: str
    kind: TaskKind = TaskKind.STEP
    iteration: int | None = None
    parent_task_id: UUID | None = None
    dependencies: tuple[UUID, ...] = ()
    component: str = ""
    image: str | None = None
    exit_task: bool = False
    position: int = 0
    """Its index among its siblings, ordered so that each comes after those it depends on."""
    state: TaskState
    detail: str | None = None
    """What it is waiting for, or why it was skipped, in a few words."""
    attempt: int = 0
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    error: Failure | None = None
    origin: Origin | None = None
    """The task whose outputs were reused instead of running this one."""
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    has_log: bool = False
    """Whether there is a log to read. A step that reused outputs has the log of its `origin`, as
    long as that run is not deleted."""
    place: str | None = None
    """Where the latest attempt runs or ran: ``process 4711 on host``, or the name of a pod."""


class StateChange(Contract):
    """A state and the time of the change to it."""

    state: RunState
    at: Instant


class Run(Contract):
    """A run in its current state. Lists omit `tasks`."""

    run_id: UUID
    namespace: str
    experiment_id: UUID
    display_name: str
    description: str = ""
    pipeline: PipelineIdentity
    parameters: dict[str, Any] = {}
    pipeline_root: str | None = None
    service_account: str = ""
    priority: int = 0
    rerun_of: UUID | None = None
    recurring_run_id: UUID | None = None
    scheduled_at: Instant | None = None
    archived: bool = False
    state: RunState
    state_history: tuple[StateChange, ...] = ()
    error: Failure | None = None
    outputs: Outputs = Outputs()
    metrics: dict[str, float] = {}
    """The numbers in its metrics artifacts, by name. If several tasks report the same name, the
    value of the one that finished last."""
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    version: int
    """Grows with each change of the run or one of its tasks."""
    tasks: tuple[Task, ...] | None = None
    """Omitted in lists. For a request with a version, only the tasks that changed since it."""


class ArtifactRecord(Contract):
    """An artifact, and the task that created it."""

    artifact_id: UUID
    namespace: str
    run_id: UUID
    task_id: UUID
    output: str
    """The name of the task's output that contains it."""
    name: str
    type: str | None = None
    """The schema title of its type, such as ``system.Model``."""
    uri: str
    metadata: dict[str, Any] = {}
    created_at: Instant


class ArtifactTask(Contract):
    """The use of an artifact as an input or output of a task."""

    artifact_id: UUID
    run_id: UUID
    task_id: UUID
    type: Literal["INPUT", "OUTPUT"]
    key: str
    """The name of the input or output."""


class Page(Contract):
    """The common fields of pages. The last page has no token."""

    next_page_token: str | None = None
    total_size: int = 0
    """The number of all items, as counted for the first page. Lists without stored counts stop
    counting at 10,000."""


class RunPage(Page):
    """A page of runs."""

    runs: tuple[Run, ...] = ()


class TaskPage(Page):
    """A page of tasks."""

    tasks: tuple[Task, ...] = ()


class ArtifactPage(Page):
    """A page of artifacts."""

    artifacts: tuple[ArtifactRecord, ...] = ()


class ArtifactTaskPage(Page):
    """A page of uses of artifacts by tasks."""

    artifact_tasks: tuple[ArtifactTask, ...] = ()


class ExperimentPage(Page):
    """A page of experiments."""

    experiments: tuple[Experiment, ...] = ()


class PipelinePage(Page):
    """A page of pipelines."""

    pipelines: tuple[Pipeline, ...] = ()


class PipelineVersionPage(Page):
    """A page of a pipeline's versions."""

    pipeline_versions: tuple[PipelineVersion, ...] = ()


class Problem(Contract):
    """An error body (RFC 9457, ``application/problem+json``)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None

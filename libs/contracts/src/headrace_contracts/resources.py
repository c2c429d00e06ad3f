"""What the HTTP interfaces speak: the resources as `api` and `recorder` give them out."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from headrace_contracts.base import Contract, Instant
from headrace_contracts.events import Origin, PipelineIdentity, Rerun
from headrace_contracts.failures import Failure
from headrace_contracts.ir.storable import unstorable
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
    """When the newest of its runs was submitted; None while it has none."""


class Pipeline(Contract):
    """A named pipeline; what it does is in its versions."""

    pipeline_id: UUID
    namespace: str
    name: str
    display_name: str
    description: str = ""
    created_at: Instant
    tags: dict[str, str] = {}
    max_active_runs: int | None = None
    """How many of its runs may be active at one time; None is no limit."""


class NamespaceLimits(Contract):
    """What is set for a namespace."""

    namespace: str
    max_active_runs: int | None = None
    """How many of its runs may be active at one time; None is no limit."""


class PipelineVersion(Contract):
    """One frozen spec of a pipeline. `document` is left out of lists."""

    pipeline_version_id: UUID
    pipeline_id: UUID
    name: str
    display_name: str
    description: str = ""
    created_at: Instant
    tags: dict[str, str] = {}
    package_url: str | None = None
    """Where its package was fetched from; None when it was uploaded."""
    code_source_url: str | None = None
    """Where its source code is, as whoever made it says."""
    document: dict[str, Any] | None = None


class VersionChanges(Contract):
    """What can be changed of a pipeline version; what is left out stays."""

    model_config = {**Contract.model_config, "extra": "forbid"}

    display_name: str | None = Field(default=None, min_length=1, max_length=127)
    description: str | None = None
    tags: dict[str, str] | None = None
    """All tags that it has from now on."""

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        if (found := unstorable(values)) is not None:
            raise ValueError(f"{'.'.join(map(str, found[0])) or 'the request'} {found[1]}")
        return values


class PipelineChanges(VersionChanges):
    """What can be changed of a pipeline; what is left out stays."""

    display_name: str | None = Field(default=None, min_length=1, max_length=128)
    max_active_runs: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many of its runs may be active at one time; an explicit null lifts the limit."""


class SubmittedRun(Contract):
    """A run as the api accepted it; what became of it is the recorder's to say."""

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
    """True where an idempotency key led to a run that was accepted before."""


class Task(Contract):
    """A task as it stands."""

    task_id: UUID
    run_id: UUID | None = None
    """Left out within its run."""
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
    """Its place among its siblings, each after those it depends on."""
    state: TaskState
    detail: str | None = None
    """What it is busy with, or why it was skipped, in a few words."""
    attempt: int = 0
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    error: Failure | None = None
    origin: Origin | None = None
    """The task whose outputs were taken instead of running this one."""
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    has_log: bool = False


class StateChange(Contract):
    """A state and since when it held."""

    state: RunState
    at: Instant


class Run(Contract):
    """A run as it stands. `tasks` is left out of lists."""

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
    """The numbers in its metrics artifacts, by name. Where several tasks told the same name, that
    of the one that finished last."""
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    version: int
    """Grows with every change of the run or one of its tasks."""
    tasks: tuple[Task, ...] | None = None
    """Left out of lists; of a run that was asked for since a version, those that have changed."""


class ArtifactRecord(Contract):
    """An artifact, and the task that made it."""

    artifact_id: UUID
    namespace: str
    run_id: UUID
    task_id: UUID
    output: str
    """The task's output that it is, or is one of."""
    name: str
    type: str | None = None
    """Its type's schema title, for instance ``system.Model``."""
    uri: str
    metadata: dict[str, Any] = {}
    created_at: Instant


class ArtifactTask(Contract):
    """That a task used an artifact, or has it among its outputs."""

    artifact_id: UUID
    run_id: UUID
    task_id: UUID
    type: Literal["INPUT", "OUTPUT"]
    key: str
    """The name of the input or output."""


class Page(Contract):
    """How a list goes on: no token, no further page."""

    next_page_token: str | None = None
    total_size: int = 0
    """How many there are in all, as the first page counted. A list that cannot tell it from counts
    that are kept stops counting at 10,000."""


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
    """A page of what tasks used and made."""

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

"""Commands: requests on the `COMMANDS` stream, each to the one service that executes it. A command
may be delivered more than once; executing it is idempotent.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator

from headrace_contracts.access import NAMESPACE
from headrace_contracts.base import Contract, Instant
from headrace_contracts.ir.models import (
    LONGEST_SECONDS,
    ComponentInputs,
    ComponentOutputs,
    ContainerSpec,
)
from headrace_contracts.ir.storable import require_storable
from headrace_contracts.messages import subjects
from headrace_contracts.messages.events import Rerun
from headrace_contracts.values import Inputs


class PipelineReference(Contract):
    """A stored pipeline, by name or by id; without a version, its newest version."""

    name: str | None = None
    version: str | None = None
    pipeline_id: UUID | None = None
    pipeline_version_id: UUID | None = None


class SubmitRun(Contract):
    """A request for a run, by message or by HTTP. Exactly one of ``pipeline_spec``, ``package``,
    ``pipeline`` and ``rerun`` is required.

    ``pipeline_spec`` is the IR as an object, bare or as ``{"pipeline_spec", "platform_spec"}``;
    ``package`` is the text of a compiled YAML file; ``pipeline`` names a stored pipeline.
    """

    model_config = {**Contract.model_config, "extra": "forbid"}

    type: Literal["run.submit"] = "run.submit"
    v: Literal[1] = 1
    pipeline_spec: dict[str, Any] | None = None
    package: str | None = None
    pipeline: PipelineReference | None = None
    parameters: dict[str, Any] = {}
    display_name: str | None = Field(default=None, max_length=255)
    description: str = ""
    namespace: str = Field(default="default", pattern=NAMESPACE)
    experiment: str | None = None
    """The experiment's name, created if it does not exist. Default: ``Default``."""
    experiment_id: UUID | None = None
    pipeline_root: str | None = None
    service_account: str = ""
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)
    """Requests with the same key in the same namespace create one run."""
    priority: int = Field(default=0, ge=-1000, le=1000)
    """Where runs or steps wait, those with higher priority start first."""
    deadline_seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    """The run fails when it takes longer than this from its start. Default: the pipeline's."""
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    """After a task failed: start no new task in its DAG, or all that do not depend on it."""
    caching: bool = True
    """False: every step runs, regardless of the caching options in the spec."""
    rerun: Rerun | None = None
    """Reuse the results of an earlier run, except those of the named tasks and of all that depend
    on them. The spec is that of the earlier run, so there is no source; parameters default to its
    values."""

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        return require_storable(values)

    @property
    def subject(self) -> str:
        """The NATS subject of submit messages."""
        return subjects.SUBMIT_RUN


class _AttemptCommand(Contract):
    v: Literal[1] = 1
    cluster: str
    run_id: UUID
    task_id: UUID
    attempt: int


class LaunchAttempt(_AttemptCommand):
    """Run one attempt of a task. Contains everything that the executor needs."""

    type: Literal["attempt.launch"] = "attempt.launch"
    namespace: str
    pipeline_name: str
    run_display_name: str
    run_created_at: Instant
    pipeline_root: str | None = None
    task_name: str
    path: str
    """The task's unique position in the run's graph."""
    container: ContainerSpec
    input_definitions: ComponentInputs
    output_definitions: ComponentOutputs
    inputs: Inputs
    timeout_seconds: float | None = None
    priority: int = 0
    retry_index: int = 0
    """The number of failed attempts of the task before this one."""
    workspace: bool = False
    """Whether the steps of the run share a folder, whose path replaces ``{{$.workspace_path}}`` in
    inputs."""
    platform: dict[str, Any] = {}
    """The platform settings of the task's executor in the platform spec."""

    @property
    def subject(self) -> str:
        """The NATS subject of the commands to the cluster's executor."""
        return subjects.attempt_command(self.cluster, self.run_id, "launch")


class CancelAttempt(_AttemptCommand):
    """Stop an attempt. No effect if it has ended."""

    type: Literal["attempt.cancel"] = "attempt.cancel"

    @property
    def subject(self) -> str:
        """The NATS subject of the commands to the cluster's executor."""
        return subjects.attempt_command(self.cluster, self.run_id, "cancel")


class CleanRun(Contract):
    """The run has ended or was deleted: delete its temporary data, such as its workspace."""

    type: Literal["run.clean"] = "run.clean"
    v: Literal[1] = 1
    cluster: str
    run_id: UUID

    @property
    def subject(self) -> str:
        """The NATS subject of the commands to the cluster's executor."""
        return subjects.attempt_command(self.cluster, self.run_id, "clean")


Command = SubmitRun | LaunchAttempt | CancelAttempt | CleanRun
COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
SUBMIT_RUN: TypeAdapter[SubmitRun] = TypeAdapter(SubmitRun)
AttemptCommand = LaunchAttempt | CancelAttempt | CleanRun
ATTEMPT_COMMAND: TypeAdapter[AttemptCommand] = TypeAdapter(
    Annotated[AttemptCommand, Field(discriminator="type")]
)

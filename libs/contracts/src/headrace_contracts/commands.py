"""What shall be done: commands travel on the `COMMANDS` stream to the one service that carries
them out. A command may arrive twice; its effect happens once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator

from headrace_contracts import subjects
from headrace_contracts.access import NAMESPACE
from headrace_contracts.base import Contract, Instant
from headrace_contracts.events import Rerun
from headrace_contracts.ir.models import (
    LONGEST_SECONDS,
    ComponentInputs,
    ComponentOutputs,
    ContainerSpec,
)
from headrace_contracts.ir.storable import unstorable
from headrace_contracts.values import Inputs


class PipelineReference(Contract):
    """A stored pipeline, by name or by id; without a version, its newest one."""

    name: str | None = None
    version: str | None = None
    pipeline_id: UUID | None = None
    pipeline_version_id: UUID | None = None


class SubmitRun(Contract):
    """The request for a run, by message or by HTTP. Exactly one of the three sources is given.

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
    """An experiment's name, made when it does not exist; without one: ``Default``."""
    experiment_id: UUID | None = None
    pipeline_root: str | None = None
    service_account: str = ""
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)
    """Repeats with the same key, in the same namespace, are the same run."""
    priority: int = Field(default=0, ge=-1000, le=1000)
    """Runs and steps of a higher priority go first where something has to wait."""
    deadline_seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    """How long the run may take from its start; beyond, it fails. Without it: the pipeline's."""
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    """After a failed task: nothing new starts in its DAG, or all that does not depend on it."""
    caching: bool = True
    """False: every step runs, whatever the spec says of its cache."""
    rerun: Rerun | None = None
    """Take the results of this earlier run, but for the tasks that it names and what depends on
    them. The run has the same spec; give no source, and its parameters unless they change."""

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        if (found := unstorable(values)) is not None:
            location, words = found
            raise ValueError(f"{'.'.join(map(str, location)) or 'the request'} {words}")
        return values

    @property
    def subject(self) -> str:
        """The NATS subject for submit messages."""
        return subjects.SUBMIT_RUN


class _AttemptCommand(Contract):
    v: Literal[1] = 1
    cluster: str
    run_id: UUID
    task_id: UUID
    attempt: int


class LaunchAttempt(_AttemptCommand):
    """Run one attempt of a task. Carries all that the executor has to know."""

    type: Literal["attempt.launch"] = "attempt.launch"
    namespace: str
    pipeline_name: str
    run_display_name: str
    run_created_at: Instant
    pipeline_root: str | None = None
    task_name: str
    path: str
    """Where the task stands in the run's graph; no other task of the run has the same."""
    container: ContainerSpec
    input_definitions: ComponentInputs
    output_definitions: ComponentOutputs
    inputs: Inputs
    timeout_seconds: float | None = None
    priority: int = 0
    retry_index: int = 0
    """How many attempts of this task have failed before."""
    workspace: bool = False
    """Whether the run has a folder that its steps share; ``{{$.workspace_path}}`` in an input is
    its place."""
    platform: dict[str, Any] = {}
    """The executor's platform settings, as the platform spec has them."""

    @property
    def subject(self) -> str:
        """The NATS subject on which the cluster's executor listens."""
        return subjects.attempt_command(self.cluster, self.run_id, "launch")


class CancelAttempt(_AttemptCommand):
    """Stop an attempt; one that has ended is left as it is."""

    type: Literal["attempt.cancel"] = "attempt.cancel"

    @property
    def subject(self) -> str:
        """The NATS subject on which the cluster's executor listens."""
        return subjects.attempt_command(self.cluster, self.run_id, "cancel")


class CleanRun(Contract):
    """The run has ended or is gone: what was kept for it as a whole is not needed any more."""

    type: Literal["run.clean"] = "run.clean"
    v: Literal[1] = 1
    cluster: str
    run_id: UUID

    @property
    def subject(self) -> str:
        """The NATS subject on which the cluster's executor listens."""
        return subjects.attempt_command(self.cluster, self.run_id, "clean")


Command = SubmitRun | LaunchAttempt | CancelAttempt | CleanRun
COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
SUBMIT_RUN: TypeAdapter[SubmitRun] = TypeAdapter(SubmitRun)
AttemptCommand = LaunchAttempt | CancelAttempt | CleanRun
ATTEMPT_COMMAND: TypeAdapter[AttemptCommand] = TypeAdapter(
    Annotated[AttemptCommand, Field(discriminator="type")]
)

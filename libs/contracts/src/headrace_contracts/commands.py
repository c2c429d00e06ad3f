"""What shall be done: commands travel on the `COMMANDS` stream to the one service that carries
them out. A command may arrive twice; its effect happens once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from headrace_contracts import subjects
from headrace_contracts.base import Contract, Instant
from headrace_contracts.ir.models import ComponentInputs, ComponentOutputs, ContainerSpec
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
    namespace: str = Field(default="default", min_length=1, max_length=63)
    experiment: str | None = None
    """An experiment's name, made when it does not exist; without one: ``Default``."""
    experiment_id: UUID | None = None
    pipeline_root: str | None = None
    service_account: str = ""
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)
    """Repeats with the same key, in the same namespace, are the same run."""

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
    container: ContainerSpec
    input_definitions: ComponentInputs
    output_definitions: ComponentOutputs
    inputs: Inputs
    timeout_seconds: float | None = None

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


Command = SubmitRun | LaunchAttempt | CancelAttempt
COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
SUBMIT_RUN: TypeAdapter[SubmitRun] = TypeAdapter(SubmitRun)
AttemptCommand = LaunchAttempt | CancelAttempt
ATTEMPT_COMMAND: TypeAdapter[AttemptCommand] = TypeAdapter(
    Annotated[AttemptCommand, Field(discriminator="type")]
)

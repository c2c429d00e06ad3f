"""What happened: every event, as it travels on the `EVENTS` stream.

An event is written once, in the past tense, by the one service that decided it, and never
changes afterwards. Readers take an unknown type as news they do not need.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from headrace_contracts import subjects
from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Failure, Rejection
from headrace_contracts.values import BlobRef, Inputs, Outputs


class PipelineIdentity(Contract):
    """Which pipeline a run was made from; ids are absent for a spec sent along with the run."""

    name: str
    pipeline_id: UUID | None = None
    pipeline_version_id: UUID | None = None


class _Event(Contract):
    type: str
    v: Literal[1] = 1

    @property
    def subject(self) -> str:
        """The NATS subject on which this event is published."""
        raise AssertionError("every event class says its subject")


class _RunEvent(_Event):
    run_id: UUID

    @property
    def subject(self) -> str:
        return subjects.run_event(self.run_id, self.type.partition(".")[2])


class RunSubmitted(_RunEvent):
    """The api accepted a run. From here on it is never lost."""

    type: Literal["run.submitted"] = "run.submitted"
    namespace: str
    display_name: str
    description: str = ""
    experiment_id: UUID
    pipeline: PipelineIdentity
    spec: BlobRef
    """The frozen spec: JSON of ``{"pipeline_spec": ..., "platform_spec": ...}``."""
    parameters: dict[str, Any] = {}
    pipeline_root: str | None = None
    service_account: str = ""
    submitted_at: Instant


class RunCancelRequested(_RunEvent):
    """Somebody asked the run to stop."""

    type: Literal["run.cancel_requested"] = "run.cancel_requested"
    reason: str = ""


class PlannedTask(Contract):
    """A task as the graph shows it before it runs."""

    task_id: UUID
    name: str
    """The task's key in its DAG."""
    display_name: str
    path: str
    parent_task_id: UUID | None = None
    dependencies: tuple[UUID, ...] = ()
    component: str = ""
    image: str | None = None


class RunStarted(_RunEvent):
    """The scheduler took the run and planned its tasks."""

    type: Literal["run.started"] = "run.started"
    tasks: tuple[PlannedTask, ...]


class RunSucceeded(_RunEvent):
    """Every task that had to run succeeded."""

    type: Literal["run.succeeded"] = "run.succeeded"
    outputs: Outputs


class RunFailed(_RunEvent):
    """A task failed, or the run could not be planned."""

    type: Literal["run.failed"] = "run.failed"
    failure: Failure


class RunCanceled(_RunEvent):
    """The run stopped because somebody asked for it."""

    type: Literal["run.canceled"] = "run.canceled"
    reason: str = ""


class _TaskEvent(_Event):
    run_id: UUID
    task_id: UUID
    name: str
    attempt: int
    """The attempt that this is about, counted from 1; 0 where none was made."""

    @property
    def subject(self) -> str:
        return subjects.task_event(self.run_id, self.type.partition(".")[2])


class TaskReady(_TaskEvent):
    """The task's inputs are known and an attempt was handed to the executor."""

    type: Literal["task.ready"] = "task.ready"
    inputs: Inputs


class TaskSucceeded(_TaskEvent):
    """The task's outputs, all from this one attempt."""

    type: Literal["task.succeeded"] = "task.succeeded"
    outputs: Outputs


class TaskFailed(_TaskEvent):
    """No further attempt will be made."""

    type: Literal["task.failed"] = "task.failed"
    failure: Failure


class TaskSkipped(_TaskEvent):
    """The task will never run: something before it failed or was skipped."""

    type: Literal["task.skipped"] = "task.skipped"
    reason: str


class TaskCanceled(_TaskEvent):
    """The task was stopped, or never started, because the run was canceled."""

    type: Literal["task.canceled"] = "task.canceled"


class _AttemptEvent(_Event):
    run_id: UUID
    task_id: UUID
    attempt: int

    @property
    def subject(self) -> str:
        return subjects.attempt_event(self.run_id, self.type.partition(".")[2])


class AttemptPreparing(_AttemptEvent):
    """Something has to be made ready first, and takes long enough to be told."""

    type: Literal["attempt.preparing"] = "attempt.preparing"
    message: str


class AttemptStarted(_AttemptEvent):
    """The step's launcher runs."""

    type: Literal["attempt.started"] = "attempt.started"
    started_at: Instant
    place: str
    """Where: ``process 4711 on host`` or a pod's name."""
    log: str
    """Object key of the log, which grows while the step runs."""


class AttemptSucceeded(_AttemptEvent):
    """The launcher's result manifest says SUCCEEDED."""

    type: Literal["attempt.succeeded"] = "attempt.succeeded"
    outputs: Outputs
    started_at: Instant
    finished_at: Instant
    log: str | None = None


class AttemptFailed(_AttemptEvent):
    """The attempt ended without outputs that count."""

    type: Literal["attempt.failed"] = "attempt.failed"
    failure: Failure
    retryable: bool = False
    """True where the platform, not the step, is to blame: a new attempt costs the user nothing."""
    started_at: Instant | None = None
    finished_at: Instant
    exit_code: int | None = None
    log: str | None = None


class _SubmissionEvent(_Event):
    request_id: str
    """The CloudEvents id of the submit message."""

    @property
    def subject(self) -> str:
        return subjects.submission_event(self.request_id, self.type.partition(".")[2])


class SubmissionAccepted(_SubmissionEvent):
    """A submit message became this run, now or when it was first sent."""

    type: Literal["submission.accepted"] = "submission.accepted"
    run_id: UUID
    duplicate: bool = False


class SubmissionRejected(_SubmissionEvent):
    """A submit message was refused; nothing of it was kept."""

    type: Literal["submission.rejected"] = "submission.rejected"
    rejection: Rejection


RunEvent = RunSubmitted | RunCancelRequested | RunStarted | RunSucceeded | RunFailed | RunCanceled
TaskEvent = TaskReady | TaskSucceeded | TaskFailed | TaskSkipped | TaskCanceled
AttemptEvent = AttemptPreparing | AttemptStarted | AttemptSucceeded | AttemptFailed
SubmissionEvent = SubmissionAccepted | SubmissionRejected
Event = RunEvent | TaskEvent | AttemptEvent | SubmissionEvent

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

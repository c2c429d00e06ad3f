"""Events: what happened, as published on the `EVENTS` stream.

Each event is published by the one service that decided it, is named in the past tense, and never
changes. Readers ignore unknown types.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Failure, Rejection
from headrace_contracts.messages import subjects
from headrace_contracts.states import TaskKind
from headrace_contracts.values import BlobRef, Inputs, Outputs


class PipelineIdentity(Contract):
    """The pipeline of a run. The ids are absent if the spec was part of the request."""

    name: str
    pipeline_id: UUID | None = None
    pipeline_version_id: UUID | None = None


class RunLimits(Contract):
    """How many runs may be active at the same time; None is no limit."""

    pipeline: int | None = None
    namespace: int | None = None


class Rerun(Contract):
    """An earlier run whose results are reused, except those of `tasks` and of all that depend on
    them."""

    run_id: UUID
    tasks: tuple[str, ...] = ()
    """Paths of the tasks to run again, such as ``root/train``."""


class Origin(Contract):
    """The task whose outputs were reused instead of running this one."""

    kind: Literal["cache", "rerun"]
    run_id: UUID
    task_id: UUID


class Fingerprint(Contract):
    """The cache key of a step: a digest, and the parts that it covers."""

    digest: str
    parts: dict[str, Any]
    """Values by name, such as ``inputs.parameters.rounds``; a large value is replaced by its
    digest."""


class _Event(Contract):
    type: str
    v: Literal[1] = 1

    @property
    def subject(self) -> str:
        """The NATS subject on which this event is published."""
        raise AssertionError("every event class defines its subject")


class _RunEvent(_Event):
    run_id: UUID

    @property
    def subject(self) -> str:
        return subjects.run_event(self.run_id, self.type.partition(".")[2])


class RunSubmitted(_RunEvent):
    """The api accepted a run, which is stored from now on."""

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
    priority: int = 0
    """Where runs or steps wait, those with higher priority start first."""
    deadline_seconds: float | None = None
    """The run fails when it takes longer than this from its start."""
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    """After a task failed: start no new task in its DAG, or all that do not depend on it."""
    caching: bool = True
    """False: no task reuses the outputs of an earlier one, regardless of the spec."""
    limits: RunLimits = RunLimits()
    rerun: Rerun | None = None
    recurring_run_id: UUID | None = None
    scheduled_at: Instant | None = None
    """The scheduled time, if a recurring run created the run."""


class RunCancelRequested(_RunEvent):
    """A client requested to cancel the run."""

    type: Literal["run.cancel_requested"] = "run.cancel_requested"
    reason: str = ""
    force: bool = False
    """True: exit tasks are stopped too. By default they still run."""


class RunPauseRequested(_RunEvent):
    """A client requested to pause the run."""

    type: Literal["run.pause_requested"] = "run.pause_requested"


class RunResumeRequested(_RunEvent):
    """A client requested to resume the paused run."""

    type: Literal["run.resume_requested"] = "run.resume_requested"


class RunRetryRequested(_RunEvent):
    """A client requested to retry the failed or canceled run, keeping tasks that succeeded."""

    type: Literal["run.retry_requested"] = "run.retry_requested"


class RunArchived(_RunEvent):
    """The run was archived, so that lists can exclude it. A running one continues."""

    type: Literal["run.archived"] = "run.archived"


class RunUnarchived(_RunEvent):
    """The run was restored from the archive."""

    type: Literal["run.unarchived"] = "run.unarchived"


class RunDeleted(_RunEvent):
    """The run was deleted, with its artifacts and logs. What still runs is stopped."""

    type: Literal["run.deleted"] = "run.deleted"


class PlannedTask(Contract):
    """A task of the graph before it runs."""

    task_id: UUID
    name: str
    """The task's key in its DAG."""
    display_name: str
    path: str
    kind: TaskKind = TaskKind.STEP
    iteration: int | None = None
    """The index in the loop, from 0, if the task is an iteration."""
    parent_task_id: UUID | None = None
    dependencies: tuple[UUID, ...] = ()
    component: str = ""
    image: str | None = None
    exit_task: bool = False
    """True if the task also runs when the run is canceled."""
    position: int = 0
    """Its index among its siblings, ordered so that each comes after those it depends on."""


class _RunStateEvent(_RunEvent):
    revision: int = 0
    """Grows with each change of the run's state, so that readers can order the changes."""


class RunStarted(_RunStateEvent):
    """The scheduler started the run. `tasks` are those of the root DAG."""

    type: Literal["run.started"] = "run.started"
    tasks: tuple[PlannedTask, ...]


class TasksPlanned(_RunEvent):
    """A DAG or loop within the run started. `tasks` are some of its tasks."""

    type: Literal["run.tasks_planned"] = "run.tasks_planned"
    tasks: tuple[PlannedTask, ...]


class RunPaused(_RunStateEvent):
    """The run starts no new tasks until it is resumed."""

    type: Literal["run.paused"] = "run.paused"


class RunResumed(_RunStateEvent):
    """The run continues."""

    type: Literal["run.resumed"] = "run.resumed"


class RunCanceling(_RunStateEvent):
    """The run is being canceled: only exit tasks start from now on."""

    type: Literal["run.canceling"] = "run.canceling"


class RunRetried(_RunStateEvent):
    """The run is retried, keeping tasks that succeeded. A `task.reset` follows for each task that
    runs again."""

    type: Literal["run.retried"] = "run.retried"


class RunSucceeded(_RunStateEvent):
    """The run ended successfully."""

    type: Literal["run.succeeded"] = "run.succeeded"
    outputs: Outputs


class RunFailed(_RunStateEvent):
    """The run failed: a task failed, or the deadline passed."""

    type: Literal["run.failed"] = "run.failed"
    failure: Failure


class RunCanceled(_RunStateEvent):
    """The run was canceled on request."""

    type: Literal["run.canceled"] = "run.canceled"
    reason: str = ""


class _TaskEvent(_Event):
    run_id: UUID
    task_id: UUID
    name: str
    attempt: int
    """The number of the attempt, from 1; 0 if there was none."""

    @property
    def subject(self) -> str:
        return subjects.task_event(self.run_id, self.type.partition(".")[2])


class TaskReady(_TaskEvent):
    """The task's inputs are resolved, and an attempt was sent to the executor."""

    type: Literal["task.ready"] = "task.ready"
    inputs: Inputs
    fingerprint: Fingerprint | None = None
    """The cache key that had no entry; None if the task does not use the cache."""


class TaskStarted(_TaskEvent):
    """A DAG or loop started. Its tasks can refer to its inputs."""

    type: Literal["task.started"] = "task.started"
    inputs: Inputs


class TaskWaiting(_TaskEvent):
    """The attempt failed; the next one starts at `due_at`."""

    type: Literal["task.waiting"] = "task.waiting"
    failure: Failure
    due_at: Instant


class TaskReset(_TaskEvent):
    """The task will run again with this attempt; results of earlier attempts are ignored."""

    type: Literal["task.reset"] = "task.reset"


class TaskSucceeded(_TaskEvent):
    """The task succeeded. All outputs are from this attempt, or from the task `origin`."""

    type: Literal["task.succeeded"] = "task.succeeded"
    outputs: Outputs
    inputs: Inputs | None = None
    """Set if there was no attempt, so that no earlier event contains the inputs."""
    origin: Origin | None = None
    fingerprint: Fingerprint | None = None


class TaskFailed(_TaskEvent):
    """The task failed and is not retried."""

    type: Literal["task.failed"] = "task.failed"
    failure: Failure


class TaskSkipped(_TaskEvent):
    """The task does not run: its condition is false, or a task before it did not succeed."""

    type: Literal["task.skipped"] = "task.skipped"
    reason: str


class TaskCanceled(_TaskEvent):
    """The task was stopped, or did not start, because the run was canceled."""

    type: Literal["task.canceled"] = "task.canceled"


class _AttemptEvent(_Event):
    run_id: UUID
    task_id: UUID
    attempt: int
    execution: int = 1
    """Which execution of the attempt the event is about."""

    @property
    def subject(self) -> str:
        return subjects.attempt_event(self.run_id, self.type.partition(".")[2])


class AttemptPreparing(_AttemptEvent):
    """The attempt waits for a preparation that takes long, such as an installation."""

    type: Literal["attempt.preparing"] = "attempt.preparing"
    message: str


class AttemptStarted(_AttemptEvent):
    """The launcher of the step started."""

    type: Literal["attempt.started"] = "attempt.started"
    started_at: Instant
    place: str
    """Where it runs: ``process 4711 on host``, or the name of a pod."""
    log: str
    """The object key of the log, which grows while the step runs."""


class AttemptWaiting(_AttemptEvent):
    """The running attempt waits for something outside of it, such as the object store."""

    type: Literal["attempt.waiting"] = "attempt.waiting"
    message: str
    """What it waits for, and since when; empty when it goes on."""


class AttemptSucceeded(_AttemptEvent):
    """The attempt succeeded, according to the launcher's result manifest."""

    type: Literal["attempt.succeeded"] = "attempt.succeeded"
    outputs: Outputs
    started_at: Instant
    finished_at: Instant
    log: str | None = None
    log_text: str | None = None
    """The whole log, if it was too short to be stored as an object."""
    place: str | None = None
    """Where it ran; see `attempt.started`."""


class AttemptFailed(_AttemptEvent):
    """The attempt failed. It has no outputs."""

    type: Literal["attempt.failed"] = "attempt.failed"
    failure: Failure
    retryable: bool = False
    """True if the platform failed, not the step: the next attempt does not count as a retry."""
    deployment_stopped: bool = False
    """True if it was stopped together with its deployment: the next attempt counts for nothing."""
    started_at: Instant | None = None
    finished_at: Instant
    exit_code: int | None = None
    log: str | None = None
    log_text: str | None = None
    """See `attempt.succeeded`."""
    place: str | None = None
    """Where it ran, if it did; see `attempt.started`."""


class _SubmissionEvent(_Event):
    request_id: str
    """The CloudEvents id of the submit message."""

    @property
    def subject(self) -> str:
        return subjects.submission_event(self.request_id, self.type.partition(".")[2])


class SubmissionAccepted(_SubmissionEvent):
    """A submit message created this run, now or at an earlier delivery."""

    type: Literal["submission.accepted"] = "submission.accepted"
    run_id: UUID
    duplicate: bool = False


class SubmissionRejected(_SubmissionEvent):
    """A submit message was rejected and had no effect."""

    type: Literal["submission.rejected"] = "submission.rejected"
    rejection: Rejection


RunRequest = RunCancelRequested | RunPauseRequested | RunResumeRequested | RunRetryRequested
RunEvent = (
    RunSubmitted
    | RunCancelRequested
    | RunPauseRequested
    | RunResumeRequested
    | RunRetryRequested
    | RunArchived
    | RunUnarchived
    | RunDeleted
    | RunStarted
    | TasksPlanned
    | RunPaused
    | RunResumed
    | RunCanceling
    | RunRetried
    | RunSucceeded
    | RunFailed
    | RunCanceled
)
TaskEvent = (
    TaskReady
    | TaskStarted
    | TaskWaiting
    | TaskReset
    | TaskSucceeded
    | TaskFailed
    | TaskSkipped
    | TaskCanceled
)
AttemptEvent = AttemptPreparing | AttemptStarted | AttemptWaiting | AttemptSucceeded | AttemptFailed
SubmissionEvent = SubmissionAccepted | SubmissionRejected
Event = RunEvent | TaskEvent | AttemptEvent | SubmissionEvent

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

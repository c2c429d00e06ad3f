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
from headrace_contracts.states import TaskKind
from headrace_contracts.values import BlobRef, Inputs, Outputs


class PipelineIdentity(Contract):
    """Which pipeline a run was made from; ids are absent for a spec sent along with the run."""

    name: str
    pipeline_id: UUID | None = None
    pipeline_version_id: UUID | None = None


class RunLimits(Contract):
    """How many runs may be active at one time; None is no limit."""

    pipeline: int | None = None
    namespace: int | None = None


class Rerun(Contract):
    """An earlier run whose results are taken, but for some tasks and all that depend on them."""

    run_id: UUID
    tasks: tuple[str, ...] = ()
    """Paths of the tasks to run anew, for instance ``root/train``."""


class Origin(Contract):
    """The task whose outputs were taken instead of running."""

    kind: Literal["cache", "rerun"]
    run_id: UUID
    task_id: UUID


class Fingerprint(Contract):
    """What makes two executions equal: one digest, and the parts that it was made of."""

    digest: str
    parts: dict[str, Any]
    """Part name, such as ``inputs.parameters.rounds``, to its value, or to a digest of a value
    that is large."""


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
    priority: int = 0
    """Runs and steps of a higher priority go first where something has to wait."""
    deadline_seconds: float | None = None
    """How long the run may take from its start; beyond, it fails."""
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    """After a failed task: nothing new starts in its DAG, or all that does not depend on it."""
    caching: bool = True
    """False: no task takes the outputs of an earlier execution, whatever the spec says."""
    limits: RunLimits = RunLimits()
    rerun: Rerun | None = None
    recurring_run_id: UUID | None = None
    scheduled_at: Instant | None = None
    """The moment that a recurring run was due."""


class RunCancelRequested(_RunEvent):
    """Somebody asked the run to stop."""

    type: Literal["run.cancel_requested"] = "run.cancel_requested"
    reason: str = ""
    force: bool = False
    """Stop exit tasks too, which otherwise still run."""


class RunPauseRequested(_RunEvent):
    """Somebody asked that the run start nothing new."""

    type: Literal["run.pause_requested"] = "run.pause_requested"


class RunResumeRequested(_RunEvent):
    """Somebody asked that a paused run go on."""

    type: Literal["run.resume_requested"] = "run.resume_requested"


class RunRetryRequested(_RunEvent):
    """Somebody asked that a failed or canceled run go on from what has succeeded."""

    type: Literal["run.retry_requested"] = "run.retry_requested"


class RunArchived(_RunEvent):
    """The run was put out of sight. It goes on if it runs."""

    type: Literal["run.archived"] = "run.archived"


class RunUnarchived(_RunEvent):
    """The run is in sight again."""

    type: Literal["run.unarchived"] = "run.unarchived"


class RunDeleted(_RunEvent):
    """Everything about the run goes, its artifacts and logs included; what runs is stopped."""

    type: Literal["run.deleted"] = "run.deleted"


class PlannedTask(Contract):
    """A task as the graph shows it before it runs."""

    task_id: UUID
    name: str
    """The task's key in its DAG."""
    display_name: str
    path: str
    kind: TaskKind = TaskKind.STEP
    iteration: int | None = None
    """The place in the loop, counted from 0, of a task that is an iteration."""
    parent_task_id: UUID | None = None
    dependencies: tuple[UUID, ...] = ()
    component: str = ""
    image: str | None = None
    exit_task: bool = False
    """True for a task that also runs when the run is stopped."""
    position: int = 0
    """Its place among its siblings, each after those it depends on."""


class _RunStateEvent(_RunEvent):
    revision: int = 0
    """Grows with each change of the run's state, so that readers can put changes in order."""


class RunStarted(_RunStateEvent):
    """The scheduler took the run; these are the tasks of its root."""

    type: Literal["run.started"] = "run.started"
    tasks: tuple[PlannedTask, ...]


class TasksPlanned(_RunEvent):
    """A DAG or loop within the run started; these are tasks that it brings."""

    type: Literal["run.tasks_planned"] = "run.tasks_planned"
    tasks: tuple[PlannedTask, ...]


class RunPaused(_RunStateEvent):
    """The run starts nothing new until it is resumed."""

    type: Literal["run.paused"] = "run.paused"


class RunResumed(_RunStateEvent):
    """The run goes on."""

    type: Literal["run.resumed"] = "run.resumed"


class RunCanceling(_RunStateEvent):
    """The run stops: only exit tasks start from here on."""

    type: Literal["run.canceling"] = "run.canceling"


class RunRetried(_RunStateEvent):
    """The run goes on from what had succeeded; the tasks that run again are told one by one."""

    type: Literal["run.retried"] = "run.retried"


class RunSucceeded(_RunStateEvent):
    """Every task that had to run succeeded."""

    type: Literal["run.succeeded"] = "run.succeeded"
    outputs: Outputs


class RunFailed(_RunStateEvent):
    """A task failed, or the run took too long."""

    type: Literal["run.failed"] = "run.failed"
    failure: Failure


class RunCanceled(_RunStateEvent):
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
    fingerprint: Fingerprint | None = None
    """What was looked for in the cache, and not found; None where the cache is not used."""


class TaskStarted(_TaskEvent):
    """A DAG or loop started; its inputs are what its tasks can refer to."""

    type: Literal["task.started"] = "task.started"
    inputs: Inputs


class TaskWaiting(_TaskEvent):
    """The attempt failed, and there will be another one at `due_at`."""

    type: Literal["task.waiting"] = "task.waiting"
    failure: Failure
    due_at: Instant


class TaskReset(_TaskEvent):
    """The task will run again, in this attempt; what came of earlier ones does not count."""

    type: Literal["task.reset"] = "task.reset"


class TaskSucceeded(_TaskEvent):
    """The task's outputs, all from this one attempt, or from the task that `origin` names."""

    type: Literal["task.succeeded"] = "task.succeeded"
    outputs: Outputs
    inputs: Inputs | None = None
    """Given where no attempt was made, and so no earlier event told them."""
    origin: Origin | None = None
    fingerprint: Fingerprint | None = None


class TaskFailed(_TaskEvent):
    """No further attempt will be made."""

    type: Literal["task.failed"] = "task.failed"
    failure: Failure


class TaskSkipped(_TaskEvent):
    """The task does not run: its condition is false, or something before it did not succeed."""

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
    log_text: str | None = None
    """The whole log, where it is so short that no object was made for it."""
    place: str | None = None
    """Where it ran, as of `AttemptStarted`."""


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
    log_text: str | None = None
    """As of `AttemptSucceeded`."""
    place: str | None = None
    """Where it ran, if it did, as of `AttemptStarted`."""


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
AttemptEvent = AttemptPreparing | AttemptStarted | AttemptSucceeded | AttemptFailed
SubmissionEvent = SubmissionAccepted | SubmissionRejected
Event = RunEvent | TaskEvent | AttemptEvent | SubmissionEvent

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])

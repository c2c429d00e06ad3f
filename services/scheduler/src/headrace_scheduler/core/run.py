"""A run in memory: its submission, its plan, its tasks, and what follows from them.

`Decision` is a set of changes; `Run.apply` folds it in. Deciding only reads, so a decision whose
transaction failed leaves nothing behind once the run is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from headrace_contracts.commands import AttemptCommand
from headrace_contracts.events import RunEvent, RunSubmitted, TaskEvent
from headrace_contracts.failures import Failure
from headrace_contracts.ids import task_id
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Outputs

from headrace_scheduler.core.plan import Plan

NO_OUTPUTS = Outputs()


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as the scheduler keeps it."""

    task_id: UUID
    name: str
    state: TaskState = TaskState.PENDING
    attempt: int = 0
    """The attempt that counts; 0 before the first."""
    lost: int = 0
    """Attempts that the platform lost, which are made up for."""
    outputs: Outputs = NO_OUTPUTS
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What is true of the run as a whole."""

    state: RunState
    failure: Failure | None = None
    """The failure that will end the run, once its running tasks have ended."""
    cancel_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What changes, and what is told to whom. Empty when the news changes nothing."""

    header: RunHeader
    tasks: tuple[TaskRecord, ...] = ()
    commands: tuple[AttemptCommand, ...] = ()
    events: tuple[RunEvent | TaskEvent, ...] = ()


class Run:
    """The state that one decision after another builds up."""

    __slots__ = ("_names", "header", "open", "plan", "submission", "tasks", "waiting")

    def __init__(
        self,
        submission: RunSubmitted,
        plan: Plan,
        header: RunHeader,
        tasks: Iterable[TaskRecord],
    ) -> None:
        self.submission = submission
        self.plan = plan
        self.header = header
        self.tasks = {task.name: task for task in tasks}
        self._names = {task.task_id: task.name for task in self.tasks.values()}
        self.open = sum(not task.state.final for task in self.tasks.values())
        """How many tasks have not ended."""
        self.waiting = {
            name: sum(
                self.tasks[upstream].state is not TaskState.SUCCEEDED
                for upstream in planned.dependencies
            )
            for name, planned in plan.tasks.items()
        }
        """For each task, how many of those it depends on have not succeeded."""

    @classmethod
    def fresh(cls, submission: RunSubmitted, plan: Plan) -> Run:
        """A run of which nothing has happened yet."""
        run_id = submission.run_id
        return cls(
            submission,
            plan,
            RunHeader(RunState.PENDING),
            [TaskRecord(task_id(run_id, task.path), name) for name, task in plan.tasks.items()],
        )

    def find(self, identity: UUID) -> TaskRecord | None:
        """The task of this id, if the run has it."""
        name = self._names.get(identity)
        return self.tasks[name] if name is not None else None

    def apply(self, decision: Decision) -> None:
        """Fold a decision in, at a cost that depends on what changed alone."""
        self.header = decision.header
        for task in decision.tasks:
            before = self.tasks[task.name]
            self.tasks[task.name] = task
            if task.state.final and not before.state.final:
                self.open -= 1
            if task.state is TaskState.SUCCEEDED and before.state is not TaskState.SUCCEEDED:
                for dependent in self.plan.tasks[task.name].dependents:
                    self.waiting[dependent] -= 1


def with_state(task: TaskRecord, state: TaskState) -> TaskRecord:
    """The same task in another state."""
    return replace(task, state=state)

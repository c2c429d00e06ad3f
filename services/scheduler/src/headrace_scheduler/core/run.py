"""A run in memory: a tree of nodes, one for each task that has come up so far.

A loop's iterations and a DAG's tasks come up when the loop or DAG starts, so that a run is as large
as what has happened. The run belongs to whoever decides on it: a decision changes it in place, and
a copy whose transaction failed is dropped and read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.events import RunSubmitted
from headrace_contracts.failures import Failure
from headrace_contracts.ids import task_id
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact, Inputs, Outputs

from headrace_scheduler.core.plan import ROOT, Plan, TaskPlan

NO_OUTPUTS = Outputs()
NO_INPUTS = Inputs()


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as the scheduler keeps it."""

    task_id: UUID
    parent_id: UUID | None
    path: str
    name: str
    iteration: int | None = None
    """The place in its loop, of a task that is an iteration."""
    state: TaskState = TaskState.PENDING
    attempt: int = 0
    """The attempt that counts, 0 before the first. Pending with an attempt: the one to come."""
    retries: int = 0
    """Failed attempts that were followed by another one."""
    lost: int = 0
    """Attempts that the platform lost, which are made up for."""
    due_at: datetime | None = None
    """When a waiting task is tried again."""
    unreached: bool = False
    """It ended without having had its turn, because of what came before it."""
    inputs: Inputs = NO_INPUTS
    """What the tasks of a DAG or loop can refer to; of an iteration, its item alone."""
    outputs: Outputs = NO_OUTPUTS
    failure: Failure | None = None
    fingerprint: str | None = None
    """What its outputs are kept under in the cache; of a step only."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What is true of the run as a whole."""

    state: RunState = RunState.PENDING
    revision: int = 0
    """Grows with each change of the state."""
    cancel_reason: str | None = None
    forced: bool = False
    """Whether even exit tasks are to stop."""
    expired: bool = False
    """Whether the deadline has passed, which stops the run."""
    deadline_at: datetime | None = None
    failure: Failure | None = None

    @property
    def stopping(self) -> bool:
        """Whether nothing but exit tasks may start."""
        return self.state is RunState.CANCELING or self.expired


@dataclass(frozen=True, slots=True)
class Scope:
    """The inputs of a DAG or loop by name: what the tasks in it can refer to."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, tuple[Artifact, ...]] = field(default_factory=dict)


class Node:
    """A task in the tree, and what follows from its children."""

    __slots__ = (
        "active",
        "asked",
        "children",
        "cursor",
        "failed",
        "items",
        "open",
        "parent",
        "plan",
        "record",
        "scope",
        "waiting",
    )

    def __init__(self, record: TaskRecord, plan: TaskPlan, parent: Node | None) -> None:
        self.record = record
        self.plan = plan
        self.parent = parent
        self.children: dict[str | int, Node] = {}
        self.scope: Scope | None = None
        """What the tasks inside can refer to, once somebody asked."""
        self.items: list[Any] | None = None
        """What a loop goes over, once somebody asked."""
        self.cursor = 0
        """The iterations before this one have had their turn."""
        self.active = 0
        """How many iterations have had their turn and not ended."""
        self.waiting = 0
        """How many of the tasks that it depends on have not ended."""
        self.open = 0
        """How many of its children have not ended."""
        self.failed = 0
        """How many of its children have failed."""
        self.asked = False
        """Whether the cache is being asked for its outputs."""

    @property
    def kind(self) -> TaskKind:
        """What it is: the whole of a loop, or a body."""
        whole = self.plan.is_loop and self.record.iteration is None
        return TaskKind.LOOP if whole else self.plan.body

    @property
    def key(self) -> str | int:
        """Its key among its parent's children."""
        return self.record.name if self.record.iteration is None else self.record.iteration

    @property
    def always(self) -> bool:
        """Whether it runs whatever became of those before it."""
        return self.record.iteration is None and self.plan.always

    @property
    def shielded(self) -> bool:
        """Whether it is an exit task, or within one: stopping the run does not stop it."""
        node: Node | None = self
        while node is not None:
            if node.plan.exit_task:
                return True
            node = node.parent
        return False

    def upstream(self) -> list[Node]:
        """The siblings that it depends on."""
        if self.parent is None or self.record.iteration is not None:
            return []
        return [self.parent.children[name] for name in self.plan.dependencies]

    def downstream(self) -> list[Node]:
        """The siblings that depend on it."""
        if self.parent is None or self.record.iteration is not None:
            return []
        return [self.parent.children[name] for name in self.plan.dependents]

    def recount(self) -> None:
        """Derive the counters from the children."""
        self.open = sum(not child.record.state.final for child in self.children.values())
        self.failed = sum(
            child.record.state is TaskState.FAILED for child in self.children.values()
        )
        for child in self.children.values():
            child.waiting = sum(not other.record.state.final for other in child.upstream())
        if self.kind is TaskKind.LOOP:
            self.cursor = 0
            while (at := self.children.get(self.cursor)) and at.record.state != TaskState.PENDING:
                self.cursor += 1
            self.active = sum(
                not child.record.state.final and index < self.cursor
                for index, child in enumerate(self.children.values())
            )


class Run:
    """The state that one decision after another builds up."""

    __slots__ = ("header", "nodes", "plan", "root", "submission")

    def __init__(
        self,
        submission: RunSubmitted,
        plan: Plan,
        header: RunHeader,
        records: Iterable[TaskRecord],
    ) -> None:
        """`records` are the run's tasks; what lies below a task that succeeded may be left out."""
        self.submission = submission
        self.plan = plan
        self.header = header
        self.nodes: dict[UUID, Node] = {}
        ordered = sorted(records, key=lambda record: record.path.count("/"))
        self.root = self._add(ordered[0], None)
        for record in ordered[1:]:
            assert record.parent_id is not None
            self._add(record, self.nodes[record.parent_id])
        for node in self.nodes.values():
            node.recount()

    @classmethod
    def fresh(cls, submission: RunSubmitted, plan: Plan) -> Run:
        """A run of which nothing has happened yet."""
        return cls(submission, plan, RunHeader(), cls.fresh_records(submission.run_id))

    @staticmethod
    def fresh_records(run_id: UUID) -> list[TaskRecord]:
        """The records of a run of which nothing has happened yet: its root's."""
        return [TaskRecord(task_id(run_id, ROOT), None, ROOT, ROOT)]

    @property
    def run_id(self) -> UUID:
        """The run's id."""
        return self.submission.run_id

    def add_child(self, parent: Node, name: str, iteration: int | None = None) -> Node:
        """A new task below `parent`: one of a DAG's, or an iteration of a loop."""
        path = f"{parent.record.path}/{name if iteration is None else iteration}"
        identity = task_id(self.run_id, path)
        return self._add(TaskRecord(identity, parent.record.task_id, path, name, iteration), parent)

    def forget_below(self, node: Node) -> None:
        """Drop the tasks below a node whose outputs are all that is still needed of it."""
        for child in node.children.values():
            self.forget_below(child)
            del self.nodes[child.record.task_id]
        node.children = {}

    def walk(self, node: Node) -> Iterator[Node]:
        """The node and all below it, parents first."""
        pending = [node]
        while pending:
            current = pending.pop()
            yield current
            pending += current.children.values()

    def _add(self, record: TaskRecord, parent: Node | None) -> Node:
        if parent is None:
            plan = self.plan.root
        elif record.iteration is not None:
            plan = parent.plan
        else:
            assert parent.plan.dag is not None
            plan = parent.plan.dag.tasks[record.name]
        node = Node(record, plan, parent)
        self.nodes[record.task_id] = node
        if parent is not None:
            parent.children[node.key] = node
        return node


def with_changes(record: TaskRecord, **changes: Any) -> TaskRecord:
    """The same task, changed."""
    return replace(record, **changes)

"""A run in memory: a tree of nodes, one for each task created so far.

The tasks of a DAG and the iterations of a loop are created when the DAG or loop starts, so the tree
is as large as what has happened. Decisions change the run in place; when the transaction that
writes a decision fails, the run is discarded and loaded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Failure
from headrace_contracts.ids import task_id
from headrace_contracts.messages.events import RunSubmitted
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact, Inputs, Outputs

from headrace_scheduler.core.plan import ROOT, Plan, TaskPlan

NO_OUTPUTS = Outputs()
NO_INPUTS = Inputs()


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as it is stored."""

    task_id: UUID
    parent_id: UUID | None
    path: str
    name: str
    iteration: int | None = None
    """The index in its loop, if the task is an iteration."""
    state: TaskState = TaskState.PENDING
    attempt: int = 0
    """The number of the current attempt, 0 before the first. While the task is pending: the number
    of the attempt to come."""
    retries: int = 0
    """Failed attempts that were retried."""
    lost: int = 0
    """Attempts that the platform lost and that were repeated."""
    due_at: datetime | None = None
    """When a waiting task is retried."""
    unreached: bool = False
    """Whether it ended without being started, because of the tasks it depends on."""
    inputs: Inputs = NO_INPUTS
    """Of a DAG or loop: what the tasks inside can refer to. Of an iteration: only its item."""
    outputs: Outputs = NO_OUTPUTS
    failure: Failure | None = None
    fingerprint: str | None = None
    """The key of its outputs in the cache; steps only."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """The state of the run as a whole."""

    state: RunState = RunState.PENDING
    revision: int = 0
    """Incremented with each change of the state."""
    cancel_reason: str | None = None
    forced: bool = False
    """Whether exit tasks are stopped too."""
    expired: bool = False
    """Whether the run is being stopped because its deadline has passed."""
    deadline_at: datetime | None = None
    failure: Failure | None = None

    @property
    def stopping(self) -> bool:
        """Whether only exit tasks may start."""
        return self.state is RunState.CANCELING or self.expired


@dataclass(frozen=True, slots=True)
class Scope:
    """Inputs by name: what a task gets, or what the tasks inside a DAG or loop can refer to."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, tuple[Artifact, ...]] = field(default_factory=dict)


class Node:
    """A task in the tree, with counters over its children."""

    __slots__ = (
        "active",
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
        """What the tasks inside can refer to; None until it is first needed."""
        self.items: list[Any] | None = None
        """The items of a loop; None until they are first needed."""
        self.cursor = 0
        """The index of the next iteration to start."""
        self.active = 0
        """How many iterations have started and not ended."""
        self.waiting = 0
        """How many of the tasks that it depends on have not ended."""
        self.open = 0
        """How many of its children have not ended."""
        self.failed = 0
        """How many of its children have failed."""

    @property
    def kind(self) -> TaskKind:
        """LOOP for a loop as a whole, otherwise the kind of the body."""
        whole = self.plan.is_loop and self.record.iteration is None
        return TaskKind.LOOP if whole else self.plan.body

    @property
    def awaits_lookup(self) -> bool:
        """Whether an earlier execution is being looked up. Nothing else makes a pending task have a
        fingerprint, so this is known from its record, also after a crash."""
        return self.record.state is TaskState.PENDING and self.record.fingerprint is not None

    @property
    def started(self) -> bool:
        """Whether it has been started, or skipped, in its current attempt."""
        return self.record.state is not TaskState.PENDING or self.awaits_lookup

    @property
    def key(self) -> str | int:
        """Its key among its parent's children."""
        return self.record.name if self.record.iteration is None else self.record.iteration

    @property
    def always(self) -> bool:
        """Whether it runs however the tasks that it depends on end."""
        return self.record.iteration is None and self.plan.always

    @property
    def shielded(self) -> bool:
        """Whether it is an exit task or inside one, so that stopping the run does not stop it."""
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
        """Compute the counters from the children."""
        self.open = sum(not child.record.state.final for child in self.children.values())
        self.failed = sum(
            child.record.state is TaskState.FAILED for child in self.children.values()
        )
        for child in self.children.values():
            child.waiting = sum(not other.record.state.final for other in child.upstream())
        if self.kind is TaskKind.LOOP:
            self.cursor = 0
            while (at := self.children.get(self.cursor)) and at.started:
                self.cursor += 1
            self.active = sum(
                not child.record.state.final and index < self.cursor
                for index, child in enumerate(self.children.values())
            )


class Run:
    """A run: its submission, plan, header and tree of tasks."""

    __slots__ = ("header", "nodes", "plan", "root", "submission")

    def __init__(
        self,
        submission: RunSubmitted,
        plan: Plan,
        header: RunHeader,
        records: Iterable[TaskRecord],
    ) -> None:
        """`records` are the run's tasks; those inside a task that succeeded may be missing."""
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
        """A run that has not started."""
        return cls(submission, plan, RunHeader(), cls.fresh_records(submission.run_id))

    @staticmethod
    def fresh_records(run_id: UUID) -> list[TaskRecord]:
        """The records of a run that has not started: only the root."""
        return [TaskRecord(task_id(run_id, ROOT), None, ROOT, ROOT)]

    def copy(self) -> Run:
        """A copy that can be changed while this run stays as it is."""
        records = [node.record for node in self.nodes.values()]
        return Run(self.submission, self.plan, self.header, records)

    @property
    def run_id(self) -> UUID:
        """The run's id."""
        return self.submission.run_id

    def add_child(self, parent: Node, name: str, iteration: int | None = None) -> Node:
        """Create a task below `parent`: one of a DAG, or an iteration of a loop."""
        path = f"{parent.record.path}/{name if iteration is None else iteration}"
        identity = task_id(self.run_id, path)
        return self._add(TaskRecord(identity, parent.record.task_id, path, name, iteration), parent)

    def drop_descendants(self, node: Node) -> None:
        """Remove the tasks inside a node of which only the outputs are still needed."""
        for child in node.children.values():
            self.drop_descendants(child)
            del self.nodes[child.record.task_id]
        node.children = {}

    def walk(self, node: Node) -> Iterator[Node]:
        """The node and its descendants, parents first."""
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
    """A copy of the record with changes."""
    return replace(record, **changes)

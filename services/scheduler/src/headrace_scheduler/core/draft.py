"""Builds a decision: changes the run, and collects the records to write and messages to publish.

All changes of tasks go through `Draft`, which keeps the parents' counters, the records to write and
the agenda up to date. The agenda holds the tasks to look at next: a change that cascades through
thousands of tasks is a loop, not a recursion.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Failure
from headrace_contracts.messages.commands import AttemptCommand
from headrace_contracts.messages.events import (
    Fingerprint,
    Origin,
    PlannedTask,
    RunEvent,
    TaskCanceled,
    TaskEvent,
    TaskFailed,
    TaskSkipped,
    TasksPlanned,
    TaskStarted,
    TaskSucceeded,
)
from headrace_contracts.states import TaskKind, TaskState
from headrace_contracts.values import Inputs, Outputs

from headrace_scheduler.core.decision import CacheEntry, Decision, Lookup
from headrace_scheduler.core.run import Node, Run, RunHeader, TaskRecord, with_changes

_PLANNED_IN_ONE_EVENT = 500


@dataclass(slots=True)
class Draft:
    """A decision that is being made; see the module."""

    run: Run
    now: datetime
    cluster: str
    commands: list[AttemptCommand] = field(default_factory=list)
    events: list[RunEvent | TaskEvent] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    cache: list[CacheEntry] = field(default_factory=list)
    agenda: deque[Node] = field(default_factory=deque)
    _changed: dict[UUID, TaskRecord] = field(default_factory=dict)
    _planned: list[PlannedTask] = field(default_factory=list)
    _header: RunHeader | None = None

    def decision(self) -> Decision:
        """The decision that was made."""
        planned = [
            TasksPlanned(
                run_id=self.run.run_id, tasks=tuple(self._planned[i : i + _PLANNED_IN_ONE_EVENT])
            )
            for i in range(0, len(self._planned), _PLANNED_IN_ONE_EVENT)
        ]
        return Decision(
            self._header is not None,
            list(self._changed.values()),
            self.commands,
            [*planned, *self.events],
            self.lookups,
            self.cache,
        )

    @property
    def header(self) -> RunHeader:
        """The header of the run as changed so far."""
        return self.run.header

    @property
    def fail_fast(self) -> bool:
        """Whether a failed task keeps others of its DAG from starting."""
        return self.run.submission.failure_strategy == "FAIL_FAST"

    def set_header(self, **changes: Any) -> None:
        """Change the run's header. A new state increments the revision."""
        before = self.run.header
        after = replace(before, **changes)
        if after.state is not before.state:
            after = replace(after, revision=before.revision + 1)
        self.run.header = self._header = after

    def stopped(self, node: Node) -> bool:
        """Whether the run is being stopped and this task has to stop too."""
        return self.header.stopping and (self.header.forced or not node.shielded)

    def put(self, node: Node, **changes: Any) -> None:
        """Change a task. When it ends, its parent and the tasks that wait for it are updated."""
        was_final = node.record.state.final
        was_failed = node.record.state is TaskState.FAILED
        node.record = with_changes(node.record, **changes)
        self._changed[node.record.task_id] = node.record
        parent = node.parent
        if parent is None or was_final == node.record.state.final:
            return
        ended = node.record.state.final
        parent.open += -1 if ended else 1
        parent.failed += (node.record.state is TaskState.FAILED) - was_failed
        if node.record.iteration is not None and node.record.iteration < parent.cursor:
            parent.active += -1 if ended else 1
        for other in node.downstream():
            other.waiting += -1 if ended else 1
            if ended and not other.waiting:
                self.agenda.append(other)
        if ended:
            self.agenda.append(parent)

    def add_child(self, parent: Node, name: str, iteration: int | None = None) -> Node:
        """Create a task below `parent`."""
        node = self.run.add_child(parent, name, iteration)
        parent.open += 1
        self._changed[node.record.task_id] = node.record
        return node

    def publish_planned(self, node: Node) -> None:
        """Publish a new task, together with its siblings."""
        self._planned.append(planned_task(node))

    def publish_started(self, node: Node) -> None:
        """Publish that a DAG or loop has started or restarted. For the root, `run.started` says
        it."""
        if node.parent is not None:
            self.events.append(TaskStarted(**self._identity(node), inputs=node.record.inputs))

    def succeed(
        self,
        node: Node,
        outputs: Outputs,
        inputs: Inputs | None = None,
        origin: Origin | None = None,
        fingerprint: Fingerprint | None = None,
    ) -> None:
        """End a task with its outputs."""
        self.put(node, state=TaskState.SUCCEEDED, outputs=outputs, failure=None)
        if node.parent is not None:
            self.events.append(
                TaskSucceeded(
                    **self._identity(node),
                    outputs=outputs,
                    inputs=inputs,
                    origin=origin,
                    fingerprint=fingerprint,
                )
            )

    def fail(self, node: Node, failure: Failure, outputs: Outputs | None = None) -> None:
        """End a task as failed. A failed DAG keeps the outputs that it has."""
        changes = {} if outputs is None else {"outputs": outputs}
        self.put(node, state=TaskState.FAILED, failure=failure, **changes)
        if node.parent is not None:
            self.events.append(TaskFailed(**self._identity(node), failure=failure))
            self._fail_fast(node.parent, f"task {node.record.name!r} failed")

    def _fail_fast(self, parent: Node, reason: str) -> None:
        """At the first failure in a DAG, skip its pending tasks, except those that always run."""
        if not self.fail_fast or parent.failed != 1:
            return
        for other in parent.children.values():
            if other.record.state is TaskState.PENDING and not other.always:
                self.skip(other, reason, unreached=True)

    def skip(self, node: Node, reason: str, *, unreached: bool) -> None:
        """End a task that does not run."""
        self.put(node, state=TaskState.SKIPPED, unreached=unreached)
        self.events.append(TaskSkipped(**self._identity(node), reason=reason))

    def cancel(self, node: Node) -> None:
        """End a task that was stopped, or does not start, because the run is being stopped."""
        unreached = node.record.state is TaskState.PENDING
        self.put(node, state=TaskState.CANCELED, unreached=unreached)
        if node.parent is not None:
            self.events.append(TaskCanceled(**self._identity(node)))

    def _identity(self, node: Node) -> dict[str, Any]:
        record = node.record
        return {
            "run_id": self.run.run_id,
            "task_id": record.task_id,
            "name": record.name,
            "attempt": record.attempt,
        }


def planned_task(node: Node) -> PlannedTask:
    """A task as `run.started` and `tasks.planned` describe it; `position` orders its siblings."""
    record, plan, parent = node.record, node.plan, node.parent
    iteration = record.iteration
    suffix = "" if iteration is None else f" [{iteration}]"
    inside = parent is not None and parent.parent is not None
    image = plan.container.image if plan.container and node.kind is TaskKind.STEP else None
    return PlannedTask(
        task_id=record.task_id,
        name=record.name,
        display_name=plan.display_name + suffix,
        path=record.path,
        kind=node.kind,
        iteration=iteration,
        parent_task_id=record.parent_id if inside else None,
        dependencies=tuple(other.record.task_id for other in node.upstream()),
        component=plan.task.component_ref.name,
        image=image or None,
        exit_task=iteration is None and plan.exit_task,
        position=plan.position if iteration is None else iteration,
    )

"""Which steps of an earlier run a rerun reuses: each that succeeded, was not selected to run again,
and does not depend on a step that runs again.

The scheduler applies it; the recorder shows it in advance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.states import TaskKind, TaskState


@dataclass(frozen=True, slots=True)
class EarlierTask:
    """The relevant properties of a task of the earlier run."""

    task_id: UUID
    path: str
    kind: TaskKind
    state: TaskState
    position: int
    parent_id: UUID | None
    dependencies: tuple[UUID, ...]


def reused_steps(tasks: Iterable[EarlierTask], chosen: Collection[str]) -> set[UUID]:
    """The ids of the steps whose outputs are reused. `chosen` are paths of tasks to run again, with
    all that they contain and all that depends on them."""
    walk = _Walk(frozenset(chosen))
    known = {task.task_id: task for task in tasks}
    for task in known.values():
        walk.children[task.parent_id if task.parent_id in known else None].append(task)
    for siblings in walk.children.values():
        siblings.sort(key=lambda task: task.position)
    walk.visit_children(None, run_again=False)
    return walk.reused


class _Walk:
    def __init__(self, chosen: frozenset[str]) -> None:
        self.children: defaultdict[UUID | None, list[EarlierTask]] = defaultdict(list)
        self.reused: set[UUID] = set()
        self._chosen = chosen
        self._changed: set[UUID] = set()

    def visit_children(self, parent: UUID | None, *, run_again: bool) -> bool:
        """Whether any task below `parent` runs again."""
        changed = run_again
        for task in self.children.get(parent, ()):
            if self._visit(task, run_again=run_again):
                self._changed.add(task.task_id)
                changed = True
        return changed

    def _visit(self, task: EarlierTask, *, run_again: bool) -> bool:
        runs_again = (
            run_again
            or task.path in self._chosen
            or any(dependency in self._changed for dependency in task.dependencies)
        )
        if task.kind is not TaskKind.STEP:
            return self.visit_children(task.task_id, run_again=runs_again)
        if not runs_again and task.state is TaskState.SUCCEEDED:
            self.reused.add(task.task_id)
        return runs_again or task.state in (TaskState.FAILED, TaskState.CANCELED)

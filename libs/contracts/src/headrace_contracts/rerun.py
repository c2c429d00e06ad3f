"""What a run that is run anew takes from the earlier one: every step that succeeded and neither
was chosen to run again nor comes after one that does.

The scheduler decides by it, and the recorder shows it beforehand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.states import TaskKind, TaskState


@dataclass(frozen=True, slots=True)
class EarlierTask:
    """A task of the earlier run, as far as it matters here."""

    task_id: UUID
    path: str
    kind: TaskKind
    state: TaskState
    position: int
    parent_id: UUID | None
    dependencies: tuple[UUID, ...]


def taken_over(tasks: Iterable[EarlierTask], chosen: Collection[str]) -> set[UUID]:
    """The ids of the steps whose outputs are taken. `chosen` are paths of tasks to run again; all
    that is in a chosen task, and all that depends on one, runs again too."""
    walk = _Walk(frozenset(chosen))
    known = {task.task_id: task for task in tasks}
    for task in known.values():
        walk.children[task.parent_id if task.parent_id in known else None].append(task)
    for siblings in walk.children.values():
        siblings.sort(key=lambda task: task.position)
    walk.through(None, anew=False)
    return walk.taken


class _Walk:
    def __init__(self, chosen: frozenset[str]) -> None:
        self.children: defaultdict[UUID | None, list[EarlierTask]] = defaultdict(list)
        self.taken: set[UUID] = set()
        self._chosen = chosen
        self._changed: set[UUID] = set()

    def through(self, parent: UUID | None, *, anew: bool) -> bool:
        """Whether anything below `parent` runs anew."""
        changed = anew
        for task in self.children.get(parent, ()):
            if self._visit(task, anew=anew):
                self._changed.add(task.task_id)
                changed = True
        return changed

    def _visit(self, task: EarlierTask, *, anew: bool) -> bool:
        again = (
            anew
            or task.path in self._chosen
            or any(dependency in self._changed for dependency in task.dependencies)
        )
        if task.kind is not TaskKind.STEP:
            return self.through(task.task_id, anew=again)
        if not again and task.state is TaskState.SUCCEEDED:
            self.taken.add(task.task_id)
        return again or task.state in (TaskState.FAILED, TaskState.CANCELED)

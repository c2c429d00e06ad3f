"""The pipeline that is being defined.

Invariant: the only state of the authoring API; each thread and coroutine has its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headrace.dsl.names import kubernetes_name, unique

if TYPE_CHECKING:
    from headrace.dsl.channels import PipelineChannel
    from headrace.dsl.groups import TasksGroup
    from headrace.dsl.task import PipelineTask

_current: ContextVar[Pipeline | None] = ContextVar("headrace_pipeline", default=None)


def current() -> Pipeline | None:
    """The pipeline whose function is running; None outside of one."""
    return _current.get()


def required() -> Pipeline:
    """The pipeline whose function is running.

    Raises:
        ValueError: none is.
    """
    pipeline = _current.get()
    if pipeline is None:
        raise ValueError(
            "Default pipeline not defined: control flow such as dsl.If and dsl.ParallelFor is for "
            "the body of a function with @dsl.pipeline."
        )
    return pipeline


def caching_by_default() -> bool:
    """Whether tasks are cached that do not say it: not with the environment variable
    ``KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT`` set to a word for yes."""
    word = os.environ.get("KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT", "").strip().lower()
    return word not in ("1", "true", "t", "yes", "y", "on")


class Pipeline:
    """The tasks and groups of a pipeline, in the order in which its function makes them.

    ``with Pipeline(name) as pipeline`` makes it the current one.
    """

    def __init__(self, name: str) -> None:
        from headrace.dsl.groups import TasksGroup, TasksGroupType

        self.name = name
        self.tasks: dict[str, PipelineTask] = {}
        """Every task by its name, exit tasks too."""
        self.root = TasksGroup(TasksGroupType.PIPELINE, name=name, is_root=True)
        self.groups: list[TasksGroup] = [self.root]
        """The groups that are open; the innermost is the last."""
        self.loop_channels: dict[str, PipelineChannel] = {}
        """The items of loops by their patterns, for those that stand in texts."""
        self.version1: Any = None
        """What `headrace.v1` notes, once a construct of version 1 is used; else None."""
        self._group_count = 0
        self._token: Any = None

    def __enter__(self) -> Pipeline:
        if _current.get() is not None:
            raise RuntimeError(
                "Nested pipelines are not allowed: define a pipeline outside of another, and call "
                "it there."
            )
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)

    def add_task(self, task: PipelineTask) -> str:
        """Put a task into the innermost group; returns its name, which no other has."""
        name = unique(kubernetes_name(task.component_spec.name) or "task", self.tasks)
        self.tasks[name] = task
        task.parent_task_group = self.groups[-1]
        self.groups[-1].tasks.append(task)
        return name

    def push(self, group: TasksGroup) -> None:
        """Open a group in the innermost one."""
        group.parent_task_group = self.groups[-1]
        self.groups[-1].groups.append(group)
        self.groups.append(group)

    def close(self, group: TasksGroup) -> None:
        """Close a group, with branches in it that no Else has closed."""
        while self.groups.pop() is not group:
            pass

    def last_group(self) -> TasksGroup | None:
        """The group that was made last in the innermost one."""
        groups = self.groups[-1].groups
        return groups[-1] if groups else None

    def remove_from_groups(self, task: PipelineTask) -> None:
        """Take a task out of the groups, as an exit task is in none."""
        for group in self.groups:
            for each in group.walk():
                if task in each.tasks:
                    each.tasks.remove(task)

    def next_group_id(self) -> str:
        """The number of the next group."""
        self._group_count += 1
        return str(self._group_count)

    def find(self, name: str) -> Any:
        """The task or group of a name.

        Raises:
            ValueError: there is none.
        """
        if name in self.tasks:
            return self.tasks[name]
        for group in self.inner_groups():
            if group.name == name:
                return group
        raise ValueError(f"PipelineChannel task name {name!r} not found in pipeline.")

    def inner_groups(self) -> Iterator[TasksGroup]:
        """All groups but the outermost."""
        groups = self.root.walk()
        next(groups)
        return groups

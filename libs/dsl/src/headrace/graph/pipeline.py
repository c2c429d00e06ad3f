"""A pipeline while its function defines it: its tasks and groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextvars import Token
from typing import Any, cast

from headrace.graph.channels import PipelineChannel
from headrace.graph.context import (
    PipelineContext,
    current_context,
    enter,
    leave,
    required_context,
)
from headrace.graph.group import TasksGroup, TasksGroupType
from headrace.graph.names import kubernetes_name, unique
from headrace.graph.task import PipelineTask


def current() -> Pipeline | None:
    """The pipeline whose function is running; None outside of a pipeline."""
    return cast("Pipeline | None", current_context())


def required() -> Pipeline:
    """The pipeline whose function is running.

    Raises:
        ValueError: No pipeline is being defined.
    """
    return cast("Pipeline", required_context())


def caching_by_default() -> bool:
    """Whether tasks without a setting of their own are cached.

    They are not when ``KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT`` is set to ``1``, ``true``, ``t``,
    ``yes``, ``y`` or ``on``.
    """
    value = os.environ.get("KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT", "").strip().lower()
    return value not in ("1", "true", "t", "yes", "y", "on")


class Pipeline:
    """The tasks and groups of a pipeline, in the order in which its function creates them.

    ``with Pipeline(name) as pipeline`` makes it the current pipeline.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.tasks: dict[str, PipelineTask] = {}
        """All tasks by name, including exit tasks."""
        self.root = TasksGroup(TasksGroupType.PIPELINE, name=name, is_root=True)
        self.groups: list[TasksGroup] = [self.root]
        """The open groups, outermost first."""
        self.loop_channels: dict[str, PipelineChannel] = {}
        """Channels that texts refer to by their patterns, such as the items of loops."""
        self.version1: Any = None
        """The state of `headrace.v1`; None while no construct of version 1 is used."""
        self._group_count = 0
        self._token: Token[PipelineContext | None] | None = None

    def __enter__(self) -> Pipeline:
        self._token = enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            leave(self._token)

    def add_task(self, task: PipelineTask) -> str:
        """Add a task to the innermost open group; returns the task's unique name."""
        name = unique(kubernetes_name(task.component_spec.name) or "task", self.tasks)
        self.tasks[name] = task
        task.parent_task_group = self.groups[-1]
        self.groups[-1].tasks.append(task)
        return name

    def push(self, group: TasksGroup) -> None:
        """Open a group within the innermost open one."""
        group.parent_task_group = self.groups[-1]
        self.groups[-1].groups.append(group)
        self.groups.append(group)

    def close(self, group: TasksGroup) -> None:
        """Close a group, and the branches within it that no Else has closed."""
        while self.groups.pop() is not group:
            pass

    def last_group(self) -> TasksGroup | None:
        """The group that was created last in the innermost open group."""
        groups = self.groups[-1].groups
        return groups[-1] if groups else None

    def remove_from_groups(self, task: PipelineTask) -> None:
        """Remove a task from all groups: an exit task belongs to none."""
        for group in self.groups:
            for each in group.walk():
                if task in each.tasks:
                    each.tasks.remove(task)

    def next_group_id(self) -> str:
        """Return the number of the next group."""
        self._group_count += 1
        return str(self._group_count)

    def find(self, name: str) -> Any:
        """Return the task or group with this name.

        Raises:
            ValueError: There is none.
        """
        if name in self.tasks:
            return self.tasks[name]
        for group in self.inner_groups():
            if group.name == name:
                return group
        raise ValueError(f"PipelineChannel task name {name!r} not found in pipeline.")

    def inner_groups(self) -> Iterator[TasksGroup]:
        """All groups except the outermost."""
        groups = self.root.walk()
        next(groups)
        return groups

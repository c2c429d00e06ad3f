"""Groups of tasks, the base of all control flow."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from headrace.graph.context import PipelineContext, required_context


class TasksGroupType(enum.StrEnum):
    """The kinds of groups."""

    PIPELINE = "pipeline"
    CONDITION = "condition"
    CONDITION_BRANCHES = "condition-branches"
    FOR_LOOP = "for-loop"
    EXIT_HANDLER = "exit-handler"


class TasksGroup:
    """Tasks and groups that are defined together.

    `name` is unique in the pipeline; `display_name` is shown to people.
    """

    name: str

    def __init__(
        self, group_type: TasksGroupType, name: str | None = None, is_root: bool = False
    ) -> None:
        self.group_type = group_type
        self.display_name = name
        self.is_root = is_root
        self.tasks: list[Any] = []
        """The `PipelineTask`s directly in this group."""
        self.groups: list[TasksGroup] = []
        self.parent_task_group: TasksGroup | None = None
        if is_root:
            self.name = ""

    def __enter__(self) -> Any:
        pipeline = required_context()
        self.take_name(pipeline)
        pipeline.push(self)
        return self

    def __exit__(self, *_: object) -> None:
        required_context().close(self)

    def take_name(self, pipeline: PipelineContext) -> None:
        """Take the pipeline's next name for groups of this kind."""
        self.name = f"{self.group_type.value}-{pipeline.next_group_id()}"

    def walk(self) -> Iterator[TasksGroup]:
        """Yield this group and all groups within it, outer groups first."""
        yield self
        for group in self.groups:
            yield from group.walk()

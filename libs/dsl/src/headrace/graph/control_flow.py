"""Control flow: groups of tasks that run under a condition, in a loop, or with an exit task."""

from __future__ import annotations

import warnings
from typing import Any

from headrace.graph.channels import (
    ConditionOperation,
    PipelineArtifactChannel,
    PipelineChannel,
    PipelineParameterChannel,
)
from headrace.graph.errors import InvalidControlFlowException
from headrace.graph.group import TasksGroup, TasksGroupType
from headrace.graph.loops import LoopArgument, LoopArtifactArgument, LoopParameterArgument
from headrace.graph.pipeline import Pipeline, required
from headrace.graph.task import PipelineTask


class ExitHandler(TasksGroup):
    """The tasks within are followed by `exit_task`, whether they succeed or fail.

    Args:
        exit_task: A task that depends on no other. A parameter of the type
            `PipelineTaskFinalStatus` tells it how the tasks ended.
        name: The group's name for people.
        exit_op: The name that version 1 has for `exit_task`.

    Raises:
        ValueError: the exit task depends on another task.
        TypeError: there is none, or it is given twice.
    """

    def __init__(
        self,
        exit_task: PipelineTask | None = None,
        name: str | None = None,
        *,
        exit_op: PipelineTask | None = None,
    ) -> None:
        super().__init__(TasksGroupType.EXIT_HANDLER, name)
        if (exit_task is None) == (exit_op is None):
            raise TypeError("dsl.ExitHandler takes one exit task, as `exit_task` or `exit_op`.")
        exit_task = exit_task or exit_op
        assert exit_task is not None
        made_by_tasks = [
            each
            for each in exit_task.inputs.values()
            if isinstance(each, (PipelineParameterChannel, PipelineArtifactChannel))
            and each.task is not None
        ]
        if exit_task.dependent_tasks or made_by_tasks:
            raise ValueError("exit_task cannot depend on any other tasks.")
        self.exit_task = exit_task
        required().remove_from_groups(exit_task)
        exit_task.is_exit_handler = True


class ConditionBranches(TasksGroup):
    """All branches of one If, Elif and Else."""

    def __init__(self) -> None:
        super().__init__(TasksGroupType.CONDITION_BRANCHES)
        self._oneofs = 0

    def next_oneof(self) -> int:
        """The number of the next OneOf of these branches."""
        self._oneofs += 1
        return self._oneofs


class ConditionGroup(TasksGroup):
    """A branch: its tasks run when all of `conditions` hold."""

    def __init__(self, conditions: list[ConditionOperation], name: str | None = None) -> None:
        super().__init__(TasksGroupType.CONDITION, name)
        self.conditions = conditions
        self.otherwise: list[ConditionOperation] = []
        """What holds when neither this branch nor one before it was taken."""


class If(ConditionGroup):
    """Tasks that run when a condition holds.

    Args:
        condition: A comparison of a pipeline's argument or a task's output, such as
            ``task.output == "heads"``.
        name: The branch's name for people.

    Raises:
        ValueError: the condition is not a comparison that is made at run time.
    """

    def __init__(self, condition: Any, name: str | None = None) -> None:
        super().__init__([_checked(condition)], name)
        self.otherwise = [condition.negated()]


class Condition(If):
    """The old name of `dsl.If`."""

    def __enter__(self) -> Any:
        super().__enter__()
        if required().version1 is not None:
            return self
        warnings.warn(
            "dsl.Condition is deprecated. Please use dsl.If instead.",
            category=DeprecationWarning,
            stacklevel=2,
        )
        return self


class _LaterBranch(ConditionGroup):
    """A branch that follows another."""

    def __enter__(self) -> Any:
        pipeline = required()
        if not isinstance(pipeline.last_group(), Elif):
            _insert_branches(pipeline)
        return super().__enter__()


class Elif(_LaterBranch):
    """Tasks that run when a condition holds, and none of the branches before it was taken.

    Raises:
        InvalidControlFlowException: it does not follow a dsl.If or dsl.Elif.
        ValueError: the condition is not a comparison that is made at run time.
    """

    def __init__(self, condition: Any, name: str | None = None) -> None:
        before = required().last_group()
        if not isinstance(before, (If, Elif)):
            raise InvalidControlFlowException(
                "dsl.Elif can only be used following an upstream dsl.If or dsl.Elif."
            )
        super().__init__([*before.otherwise, _checked(condition)], name)
        self.otherwise = [*before.otherwise, condition.negated()]


class Else(_LaterBranch):
    """Tasks that run when none of the branches before was taken.

    Raises:
        InvalidControlFlowException: it does not follow a dsl.If or dsl.Elif.
    """

    def __init__(self, name: str | None = None) -> None:
        before = required().last_group()
        if isinstance(before, ConditionBranches):
            raise InvalidControlFlowException(
                "Cannot use dsl.Else following another dsl.Else. dsl.Else can only be used "
                "following an upstream dsl.If or dsl.Elif."
            )
        if not isinstance(before, (If, Elif)):
            raise InvalidControlFlowException(
                "dsl.Else can only be used following an upstream dsl.If or dsl.Elif."
            )
        super().__init__(before.otherwise, name)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        pipeline = required()
        pipeline.close(pipeline.groups[-1])  # the branches, which an Else completes


def _checked(condition: Any) -> ConditionOperation:
    if isinstance(condition, ConditionOperation):
        return condition
    raise ValueError(
        f"Got constant {type(condition).__name__} {condition!r} as a condition. At least one of "
        "the operands of a comparison must be an output from an upstream task or a pipeline "
        "parameter, and `and`, `or` and `not` cannot be used: nest dsl.If instead."
    )


def _insert_branches(pipeline: Pipeline) -> None:
    """Put a group of branches around the If that was made last, and leave it open. The two change
    their numbers, so that the outer one has the lower."""
    first = pipeline.groups[-1].groups.pop()
    branches = ConditionBranches()
    number = first.name.rsplit("-", 1)[1]
    first.name = f"{first.group_type.value}-{pipeline.next_group_id()}"
    branches.name = f"{branches.group_type.value}-{number}"
    pipeline.push(branches)
    pipeline.push(first)
    pipeline.close(first)


class ParallelFor(TasksGroup):
    """Tasks that run once for every item. ``with dsl.ParallelFor(...) as item`` gives the item.

    Args:
        items: A list of constants, or a channel that is a list.
        name: The loop's name for people.
        parallelism: How many iterations run at a time at most; 0 or None is any number.

    Raises:
        ValueError: the items are none, or not a list; the parallelism is negative.
    """

    def __init__(self, items: Any, name: str | None = None, parallelism: int | None = None) -> None:
        self.parallelism_limit = parallelism or 0
        if self.parallelism_limit < 0:
            raise ValueError(f"ParallelFor parallelism must be >= 0. Got: {parallelism}.")
        super().__init__(TasksGroupType.FOR_LOOP, name)
        self.loop_argument: LoopArgument
        self.items_is_pipeline_channel = True
        if isinstance(items, PipelineChannel):
            items.use_as_list()
        if isinstance(items, PipelineParameterChannel):
            self.loop_argument = LoopParameterArgument.of_channel(items)
        elif isinstance(items, PipelineArtifactChannel):
            self.loop_argument = LoopArtifactArgument.of_channel(items)
        else:
            self.items_is_pipeline_channel = False
            self.loop_argument = LoopParameterArgument.of_items(items, required().next_group_id())

    def __enter__(self) -> Any:
        """The item; where it is a dict, its values are its attributes."""
        super().__enter__()
        return self.loop_argument

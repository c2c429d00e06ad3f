"""Control flow: groups of tasks with a condition, a loop, or an exit task."""

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
    """A group of tasks after which `exit_task` runs, whether they succeed or fail.

    Args:
        exit_task: A task that depends on no other task. Its parameter of the type
            `PipelineTaskFinalStatus`, if any, receives the outcome of the group.
        name: The group's display name.
        exit_op: The name of `exit_task` in version 1.

    Raises:
        ValueError: The exit task depends on another task.
        TypeError: Not exactly one of `exit_task` and `exit_op` is given.
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
            raise TypeError(
                "dsl.ExitHandler needs exactly one exit task: pass either `exit_task` or `exit_op`."
            )
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
    """The group around the branches of one If, Elif and Else."""

    def __init__(self) -> None:
        super().__init__(TasksGroupType.CONDITION_BRANCHES)
        self._oneofs = 0

    def next_oneof(self) -> int:
        """Return the number of the next OneOf of these branches."""
        self._oneofs += 1
        return self._oneofs


class ConditionGroup(TasksGroup):
    """A branch: its tasks run when all of `conditions` are true."""

    def __init__(self, conditions: list[ConditionOperation], name: str | None = None) -> None:
        super().__init__(TasksGroupType.CONDITION, name)
        self.conditions = conditions
        self.else_conditions: list[ConditionOperation] = []
        """Conditions that are true when neither this branch nor an earlier one was taken."""


class If(ConditionGroup):
    """A group of tasks that runs when a condition is true.

    Args:
        condition: A comparison with a pipeline's argument or a task's output, such as
            ``task.output == "heads"``.
        name: The branch's display name.

    Raises:
        ValueError: The condition is not a comparison that is evaluated at run time.
    """

    def __init__(self, condition: Any, name: str | None = None) -> None:
        super().__init__([_checked_condition(condition)], name)
        self.else_conditions = [condition.negated()]


class Condition(If):
    """The deprecated name of `dsl.If`; version 1 has only this one, so it does not warn there."""

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
            _wrap_in_branches(pipeline)
        return super().__enter__()


class Elif(_LaterBranch):
    """A group of tasks that runs when a condition is true and no earlier branch was taken.

    Raises:
        InvalidControlFlowException: It does not follow a dsl.If or dsl.Elif.
        ValueError: The condition is not a comparison that is evaluated at run time.
    """

    def __init__(self, condition: Any, name: str | None = None) -> None:
        before = required().last_group()
        if not isinstance(before, (If, Elif)):
            raise InvalidControlFlowException(
                "dsl.Elif can only be used following an upstream dsl.If or dsl.Elif."
            )
        super().__init__([*before.else_conditions, _checked_condition(condition)], name)
        self.else_conditions = [*before.else_conditions, condition.negated()]


class Else(_LaterBranch):
    """A group of tasks that runs when no earlier branch was taken.

    Raises:
        InvalidControlFlowException: It does not follow a dsl.If or dsl.Elif.
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
        super().__init__(before.else_conditions, name)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        pipeline = required()
        pipeline.close(pipeline.groups[-1])  # the group of branches: Else is the last branch


def _checked_condition(condition: Any) -> ConditionOperation:
    if isinstance(condition, ConditionOperation):
        return condition
    raise ValueError(
        f"Got constant {type(condition).__name__} {condition!r} as a condition. At least one of "
        "the operands of a comparison must be an output from an upstream task or a pipeline "
        "parameter, and `and`, `or` and `not` cannot be used: nest dsl.If instead."
    )


def _wrap_in_branches(pipeline: Pipeline) -> None:
    """Insert a group of branches around the last If, and leave it open. The two swap numbers, so
    that the outer group has the lower number, as in KFP."""
    first = pipeline.groups[-1].groups.pop()
    branches = ConditionBranches()
    number = first.name.rsplit("-", 1)[1]
    first.name = f"{first.group_type.value}-{pipeline.next_group_id()}"
    branches.name = f"{branches.group_type.value}-{number}"
    pipeline.push(branches)
    pipeline.push(first)
    pipeline.close(first)


class ParallelFor(TasksGroup):
    """A group of tasks that runs once for each item: ``with dsl.ParallelFor(items) as item``.

    Args:
        items: A list of constants, or a channel whose value is a list.
        name: The loop's display name.
        parallelism: The maximum number of concurrent iterations; 0 or None for no limit.

    Raises:
        ValueError: The items are empty or not a list, or the parallelism is negative.
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
        """Return the item; the values of an item that is a dict are its attributes."""
        super().__enter__()
        return self.loop_argument

"""OneOf: what the branch that ran has made."""

from __future__ import annotations

import copy
from typing import Any

from headrace.graph.channels import (
    Collected,
    PipelineArtifactChannel,
    PipelineChannel,
    PipelineParameterChannel,
)
from headrace.graph.control_flow import ConditionBranches, Else
from headrace.graph.names import channel_input


class OneOfMixin(PipelineChannel):
    """What both kinds of `dsl.OneOf` have."""

    can_be_collected = False
    channels: list[PipelineChannel]
    condition_branches_group: ConditionBranches

    def __str__(self) -> str:
        raise NotImplementedError("dsl.OneOf does not support string interpolation.")

    def own_channels(self) -> list[PipelineChannel]:
        """Copies of its channels, which the compiler may write into."""
        self.channels = [copy.copy(each) for each in self.channels]
        return self.channels


class OneOfParameter(PipelineParameterChannel, OneOfMixin):
    """A parameter that one of several branches makes."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        group = self.condition_branches_group = _branches_of(channels)
        name = channel_input(f"{group.name}-oneof-{group.next_oneof()}")
        super().__init__(name, channels[0].channel_type, group.name)
        _check(channels, group, PipelineParameterChannel)


class OneOfArtifact(PipelineArtifactChannel, OneOfMixin):
    """An artifact that one of several branches makes."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        group = self.condition_branches_group = _branches_of(channels)
        name = channel_input(f"{group.name}-oneof-{group.next_oneof()}")
        first = channels[0]
        super().__init__(name, first.channel_type, group.name, first.is_artifact_list)
        _check(channels, group, PipelineArtifactChannel)


class OneOf:
    """The output of whichever branch ran, for what comes after the branches.

    Args:
        channels: One output of each branch, all of one type; the last branch is a `dsl.Else`.

    Raises:
        TypeError: the outputs are of several types.
        ValueError: the branches have no `dsl.Else`, or an argument is not a task's output.
    """

    def __new__(cls, *channels: PipelineChannel) -> Any:
        if not channels:
            raise ValueError("dsl.OneOf has one output of each branch; it got none.")
        first = channels[0]
        if isinstance(first, PipelineParameterChannel):
            return OneOfParameter(list(channels))
        if isinstance(first, PipelineArtifactChannel):
            return OneOfArtifact(list(channels))
        if isinstance(first, Collected):
            raise ValueError("dsl.Collected cannot be used inside of dsl.OneOf.")
        raise ValueError(f"Got unknown input to dsl.OneOf with type {type(first)}.")


def _branches_of(channels: list[Any]) -> ConditionBranches:
    if isinstance(channels[0], OneOfMixin):
        raise ValueError("dsl.OneOf cannot be used inside of another dsl.OneOf.")
    task = channels[0].task
    branch = getattr(task, "parent_task_group", None)
    group = getattr(branch, "parent_task_group", None)
    if not isinstance(group, ConditionBranches):
        raise ValueError(
            "dsl.OneOf takes outputs of tasks in the branches of one dsl.If and dsl.Else, to "
            f"ensure that one is there at run time; {channels[0].full_name!r} is not such an "
            "output."
        )
    return group


def _check(channels: list[Any], group: Any, kind: type | Any) -> None:
    if any(isinstance(each, Collected) for each in channels):
        raise ValueError("dsl.Collected cannot be used inside of dsl.OneOf.")
    if any(isinstance(each, OneOfMixin) for each in channels):
        raise ValueError("dsl.OneOf cannot be used inside of another dsl.OneOf.")
    if not all(isinstance(each, kind) for each in channels):
        raise TypeError(
            "Task outputs passed to dsl.OneOf must be the same type. Found a mix of parameters "
            "and artifacts."
        )
    if not isinstance(group.groups[-1], Else):
        raise ValueError(
            "dsl.OneOf must include an output from a task in a dsl.Else group to ensure at least "
            "one output is available at runtime."
        )
    expected = (channels[0].channel_type, getattr(channels[0], "is_artifact_list", False))
    for index, each in enumerate(channels[1:], start=1):
        got = (each.channel_type, getattr(each, "is_artifact_list", False))
        if got != expected:
            raise TypeError(
                "Task outputs passed to dsl.OneOf must be the same type. Got two channels with "
                f"different types: {expected[0]} at index 0 and {got[0]} at index {index}."
            )

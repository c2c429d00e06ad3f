"""OneOf: the output of whichever branch ran."""

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
    """The common part of both kinds of `dsl.OneOf`."""

    can_be_collected = False
    channels: list[PipelineChannel]
    condition_branches_group: ConditionBranches

    def __str__(self) -> str:
        raise NotImplementedError("dsl.OneOf does not support string interpolation.")

    def copy_channels(self) -> list[PipelineChannel]:
        """Replace its channels by copies, which the compiler can change; returns the copies."""
        self.channels = [copy.copy(each) for each in self.channels]
        return self.channels


class OneOfParameter(PipelineParameterChannel, OneOfMixin):
    """A parameter that one of several branches produces."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        group = self.condition_branches_group = _branches_of(channels)
        name = channel_input(f"{group.name}-oneof-{group.next_oneof()}")
        super().__init__(name, channels[0].channel_type, group.name)
        _check_channels(channels, group, PipelineParameterChannel)


class OneOfArtifact(PipelineArtifactChannel, OneOfMixin):
    """An artifact that one of several branches produces."""

    def __init__(self, channels: list[Any]) -> None:
        self.channels = channels
        group = self.condition_branches_group = _branches_of(channels)
        name = channel_input(f"{group.name}-oneof-{group.next_oneof()}")
        first = channels[0]
        super().__init__(name, first.channel_type, group.name, first.is_artifact_list)
        _check_channels(channels, group, PipelineArtifactChannel)


class OneOf:
    """The output of whichever branch ran, for tasks after the branches.

    Args:
        channels: One output of each branch, all of the same type; the last branch is a `dsl.Else`.

    Raises:
        TypeError: The outputs have different types.
        ValueError: The branches have no `dsl.Else`, or an argument is not a task's output.
    """

    def __new__(cls, *channels: PipelineChannel) -> Any:
        if not channels:
            raise ValueError("dsl.OneOf needs one output of each branch. Got no arguments.")
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
            "dsl.OneOf takes outputs of tasks in the branches of one dsl.If and dsl.Else, so that "
            f"one is always available at run time. {channels[0].full_name!r} is not such an output."
        )
    return group


def _check_channels(channels: list[Any], group: Any, kind: type | Any) -> None:
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

"""Adds outputs to loops and branches: the values of Collected and OneOf are passed up through
every group between the producing task and its consumer."""

from __future__ import annotations

import copy
from typing import Any

from headrace.graph.channels import (
    Collected,
    PipelineArtifactChannel,
    PipelineChannel,
    PipelineParameterChannel,
)
from headrace.graph.control_flow import ConditionBranches, ConditionGroup, ExitHandler, ParallelFor
from headrace.graph.errors import InvalidTopologyException
from headrace.graph.names import channel_input
from headrace.graph.oneof import OneOfMixin
from headrace.graph.task import PipelineTask
from headrace.ir.topology import ILLEGAL, Topology


def add_group_outputs(topology: Topology, returned: dict[str, Any]) -> dict[str, PipelineChannel]:
    """Add the outputs of groups that each Collected and OneOf needs.

    Args:
        topology: Its `outputs` are extended.
        returned: The channels that the pipeline returns, by name.

    Returns:
        The same channels, with each Collected replaced by the output of the outermost group.

    Raises:
        InvalidTopologyException: The task of a Collected is not in a loop, or its loop may not run.
    """
    added: set[int] = set()
    for task in topology.pipeline.tasks.values():
        for channel in task.channel_inputs:
            if isinstance(channel, Collected):
                _add_collected_for_task(topology, channel, task)
        for channel in topology.uses(task):
            if isinstance(channel, OneOfMixin):
                _add_oneof(topology, channel, added)
    outputs: dict[str, PipelineChannel] = {}
    for name, channel in returned.items():
        if isinstance(channel, Collected):
            outputs[name] = _add_collected_for_pipeline(topology, channel)
        else:
            if isinstance(channel, OneOfMixin):
                _add_oneof(topology, channel, added)
            outputs[name] = channel
    return outputs


def _add_collected_for_task(topology: Topology, channel: Collected, consumer: PipelineTask) -> None:
    producer = topology.pipeline.tasks[str(channel.task_name)]
    before, after = topology.diverging_paths(producer, consumer)
    _check_collected(producer, consumer, before)
    _pass_up(topology, channel, before, after[0])


def _add_collected_for_pipeline(topology: Topology, collected: Collected) -> PipelineChannel:
    channel = collected.copy()
    producer = topology.pipeline.tasks[str(channel.task_name)]
    path = topology.path(producer)[1:]
    if not any(isinstance(group, ParallelFor) for group in path):
        raise InvalidTopologyException(
            "dsl.Collected can only be used to fan-in outputs produced by a task within a "
            f"dsl.ParallelFor context. Producer task {producer.name} is not in one."
        )
    _pass_up(topology, channel, path, None)
    return _list_channel(channel, channel.name, channel.task_name)


def _pass_up(topology: Topology, channel: Collected, path: list[Any], consumer: Any) -> None:
    """Add the list to the outputs of every group on the path, up to the consumer's level."""
    *groups, producer = path
    name, output_name = channel.name, channel_input(channel.full_name)
    for group in reversed(groups):
        topology.outputs[group.name][output_name] = _list_channel(channel, name, producer.name)
        name, producer = output_name, group
        channel.name, channel.task_name = output_name, group.name
        above = topology.path(group)[-2]
        if consumer is not None and (consumer in above.groups or consumer in above.tasks):
            break


def _list_channel(channel: Collected, name: str, task_name: Any) -> PipelineChannel:
    if isinstance(channel.output, PipelineArtifactChannel):
        kind = channel.output.channel_type
        return PipelineArtifactChannel(name, kind, task_name, is_artifact_list=True)
    return PipelineParameterChannel(name, "LIST", task_name)


def _check_collected(producer: PipelineTask, consumer: PipelineTask, path: list[Any]) -> None:
    if not any(isinstance(group, ParallelFor) for group in path[:-1]):
        raise InvalidTopologyException(
            "dsl.Collected can only be used to fan-in outputs produced by a task within a "
            "dsl.ParallelFor context to a task outside of the dsl.ParallelFor context. Producer "
            f"task {producer.name} is either not in a dsl.ParallelFor context or is only in a "
            f"dsl.ParallelFor that also contains consumer task {consumer.name}."
        )
    outermost = path[0]
    kind = type(outermost).__name__
    if isinstance(outermost, (ConditionGroup, ExitHandler)):
        raise InvalidTopologyException(
            f"{ILLEGAL} When using dsl.Collected to fan-in outputs from a task within a "
            "dsl.ParallelFor context, the dsl.ParallelFor context manager cannot be nested within "
            f"a dsl.{kind} context manager unless the consumer task is too. Task {consumer.name} "
            f"consumes from {producer.name} within a dsl.{kind} context."
        )
    if not isinstance(outermost, ParallelFor):
        raise ValueError(
            f"dsl.Collected cannot pass outputs of {producer.name} to {consumer.name}: the loop is "
            f"in a dsl.{kind}, so it may not run."
        )


def _add_oneof(topology: Topology, channel: OneOfMixin, added: set[int]) -> None:
    """Add each branch's value to the outputs of its groups, and the OneOf to the outputs of the
    group of branches."""
    if id(channel) in added:
        return
    added.add(id(channel))
    branches: ConditionBranches = channel.condition_branches_group
    for inner in channel.copy_channels():
        producer = inner.task
        output_name = channel_input(inner.full_name)
        for group in reversed(topology.path(producer)[1:]):
            if group is producer:
                continue
            if group is branches:
                topology.outputs[group.name][channel.name] = channel
                break
            topology.outputs[group.name][output_name] = copy.copy(inner)
            inner.name, inner.task_name = output_name, group.name

"""How a value comes out of loops and branches: by Collected and OneOf, from group to group."""

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


def surface(topology: Topology, returned: dict[str, Any]) -> dict[str, PipelineChannel]:
    """Give outputs to the groups that a Collected or OneOf comes out of.

    Args:
        topology: Gets the outputs of its groups.
        returned: What the pipeline returns, by name.

    Returns:
        What the pipeline returns, with the lists taken from the groups that make them.

    Raises:
        InvalidTopologyException: a Collected is of no loop, or of one that may not run.
    """
    chosen: set[int] = set()
    for task in topology.pipeline.tasks.values():
        for channel in task.channel_inputs:
            if isinstance(channel, Collected):
                _collect_for_task(topology, channel, task)
        for channel in topology.uses(task):
            if isinstance(channel, OneOfMixin):
                _choose(topology, channel, chosen)
    outputs: dict[str, PipelineChannel] = {}
    for name, channel in returned.items():
        if isinstance(channel, Collected):
            outputs[name] = _collect_for_pipeline(topology, channel)
        else:
            if isinstance(channel, OneOfMixin):
                _choose(topology, channel, chosen)
            outputs[name] = channel
    return outputs


def _collect_for_task(topology: Topology, channel: Collected, consumer: PipelineTask) -> None:
    producer = topology.pipeline.tasks[str(channel.task_name)]
    before, after = topology.uncommon(producer, consumer)
    _check_collected(producer, consumer, before)
    _rise(topology, channel, before, after[0])


def _collect_for_pipeline(topology: Topology, collected: Collected) -> PipelineChannel:
    channel = collected.copy()
    producer = topology.pipeline.tasks[str(channel.task_name)]
    path = topology.path(producer)[1:]
    if not any(isinstance(group, ParallelFor) for group in path):
        raise InvalidTopologyException(
            "dsl.Collected can only be used to fan-in outputs produced by a task within a "
            f"dsl.ParallelFor context. Producer task {producer.name} is not in one."
        )
    _rise(topology, channel, path, None)
    return _list(channel, channel.name, channel.task_name)


def _rise(topology: Topology, channel: Collected, path: list[Any], consumer: Any) -> None:
    """Let every group on the way give the list to the next, up to where the consumer is."""
    *groups, producer = path
    name, surfaced = channel.name, channel_input(channel.full_name)
    for group in reversed(groups):
        topology.outputs[group.name][surfaced] = _list(channel, name, producer.name)
        name, producer = surfaced, group
        channel.name, channel.task_name = surfaced, group.name
        above = topology.path(group)[-2]
        if consumer is not None and (consumer in above.groups or consumer in above.tasks):
            break


def _list(channel: Collected, name: str, task_name: Any) -> PipelineChannel:
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
            f"dsl.Collected of {producer.name} for {consumer.name}: the loop is in a dsl.{kind}, "
            "so it may not run."
        )


def _choose(topology: Topology, channel: OneOfMixin, chosen: set[int]) -> None:
    """Let every branch give its value to the group of branches, which gives the one there is."""
    if id(channel) in chosen:
        return
    chosen.add(id(channel))
    branches: ConditionBranches = channel.condition_branches_group
    for inner in channel.own_channels():
        producer = inner.task
        surfaced = channel_input(inner.full_name)
        for group in reversed(topology.path(producer)[1:]):
            if group is producer:
                continue
            if group is branches:
                topology.outputs[group.name][channel.name] = channel
                break
            topology.outputs[group.name][surfaced] = copy.copy(inner)
            inner.name, inner.task_name = surfaced, group.name

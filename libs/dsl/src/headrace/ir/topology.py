"""Finds the inputs of a pipeline's groups, and the dependencies between tasks and groups.

Each group becomes a separate DAG, which has access only to its own inputs. So a value from outside
of a group is an input of every group between its source and the task that uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from headrace.graph.channels import PipelineChannel, channels_in
from headrace.graph.control_flow import ConditionBranches, ConditionGroup, ExitHandler, ParallelFor
from headrace.graph.errors import InvalidTopologyException
from headrace.graph.group import TasksGroup
from headrace.graph.loops import LOOP_CHANNELS, LoopArgumentVariable, sources
from headrace.graph.pipeline import Pipeline
from headrace.graph.task import PipelineTask

ILLEGAL = "Illegal task dependency across DSL context managers."
Channels = dict[str, PipelineChannel]
"""Channels by pattern."""


class Topology:
    """The position of every task and group of a pipeline, and the values passed between them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.groups: dict[str, TasksGroup] = {g.name: g for g in pipeline.inner_groups()}
        self._paths: dict[int, list[Any]] = {}
        self._conditions: dict[int, list[PipelineChannel]] = {}
        self._index_group(pipeline.root, [], [])
        self.inputs: defaultdict[str, Channels] = defaultdict(dict)
        """The channels that a group uses from outside, by group name."""
        self.outputs: defaultdict[str, Channels] = defaultdict(dict)
        """The channels that a group outputs, by group name and output name."""
        self.dependencies: dict[int, set[str]] = {}
        """The names of the siblings that a task or group depends on, by its `id()`."""
        for task in pipeline.tasks.values():
            if not task.is_exit_handler:
                self._add_inputs(task)
        for group in self.groups.values():
            self._add_own_inputs(group)

    def _index_group(
        self, group: TasksGroup, above: list[Any], conditions: list[PipelineChannel]
    ) -> None:
        path = [*above, group]
        self._paths[id(group)] = path
        if isinstance(group, ConditionGroup):
            operands = [each for one in group.conditions for each in one.channels()]
            conditions = [*conditions, *operands]
        for task in group.tasks:
            self._paths[id(task)] = [*path, task]
            self._conditions[id(task)] = conditions
        for inner in group.groups:
            self._index_group(inner, path, conditions)

    def path(self, place: Any) -> list[Any]:
        """The groups around a task or group, outermost first, followed by itself.

        Raises:
            ValueError: It is an exit task, which is in no group.
        """
        found = self._paths.get(id(place))
        if found is None:
            raise ValueError(
                f"{place.name!r} is the exit task of a dsl.ExitHandler. Other tasks cannot depend "
                "on it."
            )
        return found

    def diverging_paths(self, one: Any, other: Any) -> tuple[list[Any], list[Any]]:
        """The paths of two tasks or groups without their common beginning."""
        first, second = self.path(one), self.path(other)
        shared = 0
        while shared < min(len(first), len(second)) and first[shared] is second[shared]:
            shared += 1
        return first[shared:], second[shared:]

    def uses(self, task: PipelineTask) -> list[PipelineChannel]:
        """All channels that a task depends on: its own, and those in conditions around it."""
        return [*task.channel_inputs, *self._conditions.get(id(task), [])]

    def _add_inputs(self, task: PipelineTask) -> None:
        for channel in [*task.channel_inputs, *_of_resources(task)]:
            self._add_input(task, channel)
        for channel in self._conditions[id(task)]:
            if not _is_part_of_constant(channel):
                self._add_input(task, channel)

    def _add_own_inputs(self, group: TasksGroup) -> None:
        """Add what a group itself uses: the list of a loop, and parts of items in a condition."""
        if isinstance(group, ParallelFor) and group.items_is_pipeline_channel:
            self._add_input(group, group.loop_argument.items_or_pipeline_channel)
        elif isinstance(group, ConditionGroup):
            for condition in group.conditions:
                for channel in filter(_is_part_of_constant, condition.channels()):
                    self._add_input(group, channel)

    def _add_input(self, place: Any, channel: PipelineChannel) -> None:
        """Add a channel that a task or group uses to the inputs of the groups around it."""
        chain = sources(channel)
        if channel.task is not None:
            self._pass_down(self.diverging_paths(channel.task, place)[1][:-1], chain)
        elif isinstance(channel, LOOP_CHANNELS) and channel.is_with_items_loop_argument:
            self._pass_from_loop(place, chain[-1])
        else:
            self._pass_down(self.path(place)[:-1], chain)

    def _pass_down(self, groups: list[Any], chain: list[PipelineChannel]) -> None:
        """Add a channel to the inputs of groups, outermost first.

        Within the loop over it, the loop's item replaces it. An item of constants is only available
        within its own loop.

        Args:
            groups: The groups to pass through.
            chain: The channel and its `sources`.
        """
        patterns = [link.pattern for link in chain]
        last = len(chain) - 1
        of_constants = isinstance(chain[last], LOOP_CHANNELS)
        is_available = not of_constants
        for group in groups:
            item = group.loop_argument.pattern if isinstance(group, ParallelFor) else None
            index = patterns.index(item) if item in patterns else None
            if index is not None and of_constants and is_available:
                self._add_group_input(group, chain[index + 1])
            elif is_available:
                self._add_group_input(group, chain[last])
            if index is not None:
                last, is_available = index, True

    def _pass_from_loop(self, place: Any, item: PipelineChannel) -> None:
        """Add an item of constants to the inputs of the groups within its loop. A part of the item
        is selected where it is used."""
        groups = self.path(place)[:-1]
        for number, group in enumerate(groups):
            if isinstance(group, ParallelFor) and group.loop_argument is item:
                for each in groups[number:]:
                    self._add_group_input(each, item)
                return

    def _add_group_input(self, group: TasksGroup, channel: PipelineChannel) -> None:
        self.inputs[group.name].setdefault(channel.pattern, channel)

    def find_dependencies(self) -> None:
        """Fill `dependencies`; called when `outputs` is complete.

        Raises:
            InvalidTopologyException: A task uses an output from within a condition or loop that it
                is not in.
            ValueError: A task depends on an exit task.
        """
        for task in self.pipeline.tasks.values():
            for upstream, by_value in self._upstream(task):
                before, after = self.diverging_paths(upstream, task)
                if len(before) > 1:
                    _check_reachable(task, upstream, before[0], by_value)
                self.dependencies.setdefault(id(after[0]), set()).add(before[0].name)

    def _upstream(self, task: PipelineTask) -> Iterator[tuple[Any, bool]]:
        """The tasks and groups that a task depends on, and whether it uses a value of each as an
        argument."""
        own = {id(each.task) for each in task.channel_inputs if each.task is not None}
        seen: set[int] = set()
        named = [self._named(name) for name in task.dependent_tasks]
        for upstream in [*(each.task for each in self.uses(task)), *named]:
            if upstream is not None and id(upstream) not in seen:
                seen.add(id(upstream))
                yield upstream, id(upstream) in own

    def _named(self, name: str) -> Any:
        if name in self.pipeline.tasks and name in self.groups:
            raise ValueError(
                f'Ambiguous dependency name "{name}". It matches both a task and a group in the '
                "pipeline. Please rename either."
            )
        return self.pipeline.find(name)


def _is_part_of_constant(channel: PipelineChannel) -> bool:
    """Whether it is a key of an item of a loop over constants."""
    return isinstance(channel, LoopArgumentVariable) and channel.is_with_items_loop_argument


def _of_resources(task: PipelineTask) -> list[PipelineChannel]:
    """Channels in a task's resources: they become inputs, but KFP writes no dependency for them."""
    resources = task.container_spec.resources if task.container_spec else None
    return channels_in(list(vars(resources).values())) if resources else []


def _check_reachable(task: PipelineTask, upstream: Any, group: TasksGroup, by_value: bool) -> None:
    kind = f"dsl.{type(group).__name__}"
    found = (
        f"Found task {task.name} which depends on upstream task {upstream.name} within an uncommon "
        f"{kind} context."
    )
    if isinstance(group, (ConditionGroup, ExitHandler)):
        raise InvalidTopologyException(
            f"{ILLEGAL} A downstream task cannot depend on an upstream task within a {kind} "
            f"context unless the downstream is within that context too. {found}"
        )
    if isinstance(group, ConditionBranches) and by_value:
        raise InvalidTopologyException(
            f"{ILLEGAL} Use dsl.OneOf to use an output of a branch outside of the branches. {found}"
        )
    if isinstance(group, ParallelFor) and by_value:
        raise InvalidTopologyException(
            f"{ILLEGAL} A downstream task cannot depend on an upstream task within a {kind} "
            "context unless the downstream is within that context too or the outputs are fanned-in "
            f"to a list using dsl.Collected. {found}"
        )

"""Channels: placeholders in a pipeline's definition for values that are known when it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headrace.graph.context import PipelineContext, current_context
from headrace.graph.interfaces import types

_PATTERN = "{{channel:task=%s;name=%s;type=%s;}}"
_IN_TEXT = re.compile(r"{{channel:task=([\w\s_-]*);name=([\w\s_-]+);type=([\w\s{}\":_-]*);}}")
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9\s_-]*$")


@dataclass
class ConditionOperation:
    """A comparison, such as that of a task's output with a constant."""

    operator: str
    left_operand: Any
    right_operand: Any
    negate: bool = False

    def negated(self) -> ConditionOperation:
        """The negation of this comparison."""
        return replace(self, negate=True)

    def channels(self) -> list[PipelineChannel]:
        """The operands that are channels."""
        operands = (self.left_operand, self.right_operand)
        return [each for each in operands if isinstance(each, PipelineChannel)]


class PipelineChannel:
    """A future value: an argument of the pipeline, or an output of a task.

    It can be used in an f-string. Comparing it with `==`, `<` and so on creates a condition for
    `dsl.If`.

    Raises:
        ValueError: The name does not start with a letter, or contains a character that is not
            allowed.
    """

    can_be_collected = True
    """Whether `dsl.Collected` accepts it."""

    def __init__(self, name: str, channel_type: Any, task_name: str | None = None) -> None:
        if not _NAME.match(name):
            raise ValueError(
                'Only letters, numbers, spaces, "_", and "-" are allowed in the name. Must begin '
                f"with a letter. Got name: {name}"
            )
        self.name = name
        self.channel_type = channel_type
        self.task_name = task_name or None
        self.pipeline: PipelineContext | None = current_context()

    @property
    def task(self) -> Any:
        """The task or group that produces the value; None for an argument of the pipeline."""
        if self.task_name is None or self.pipeline is None:
            return None
        return self.pipeline.find(self.task_name)

    def use_as_list(self) -> None:
        """Called when a loop iterates over the value; an output of version 1 becomes a list."""

    @property
    def full_name(self) -> str:
        """The name that is unique in the pipeline: the task's name and the output's."""
        return f"{self.task_name}-{self.name}" if self.task_name else self.name

    @property
    def pattern(self) -> str:
        """The text that represents the channel inside strings, and identifies it."""
        kind = self.channel_type or ""
        if isinstance(kind, dict):
            kind = json.dumps(kind)
        return _PATTERN % (self.task_name or "", self.name, kind)

    def __str__(self) -> str:
        return self.pattern

    __repr__ = __str__

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __eq__(self, other: object) -> ConditionOperation:  # type: ignore[override]
        return ConditionOperation("==", self, other)

    def __ne__(self, other: object) -> ConditionOperation:  # type: ignore[override]
        return ConditionOperation("!=", self, other)

    def __lt__(self, other: object) -> ConditionOperation:
        return ConditionOperation("<", self, other)

    def __le__(self, other: object) -> ConditionOperation:
        return ConditionOperation("<=", self, other)

    def __gt__(self, other: object) -> ConditionOperation:
        return ConditionOperation(">", self, other)

    def __ge__(self, other: object) -> ConditionOperation:
        return ConditionOperation(">=", self, other)


class PipelineParameterChannel(PipelineChannel):
    """The future value of a parameter.

    Raises:
        TypeError: The type is not a parameter type.
        ValueError: Both a task and a value are given.
    """

    def __init__(
        self,
        name: str,
        channel_type: Any,
        task_name: str | None = None,
        value: types.ParameterValue | None = None,
    ) -> None:
        if task_name and value:
            raise ValueError(
                f"The channel {name!r} cannot have both a producing task ({task_name!r}) and a "
                "constant value."
            )
        if not types.is_parameter(channel_type):
            raise TypeError(f"{channel_type} is not a parameter type.")
        self.value = value
        super().__init__(name, channel_type, task_name)


class PipelineArtifactChannel(PipelineChannel):
    """A future artifact, or list of artifacts.

    Raises:
        TypeError: The type is a parameter type.
    """

    def __init__(
        self,
        name: str,
        channel_type: Any,
        task_name: str | None = None,
        is_artifact_list: bool = False,
    ) -> None:
        if types.is_parameter(channel_type):
            raise TypeError(f"{channel_type} is not an artifact type.")
        self.is_artifact_list = is_artifact_list
        super().__init__(name, channel_type, task_name)


class Collected(PipelineChannel):
    """The list of a task's outputs in all iterations of a `dsl.ParallelFor`, for tasks after it.

    Raises:
        ValueError: The output is a `dsl.OneOf`.
    """

    def __init__(self, output: PipelineChannel) -> None:
        if not output.can_be_collected:
            raise ValueError("dsl.OneOf cannot be used inside of dsl.Collected.")
        self.output = output
        self.is_artifact_channel = isinstance(output, PipelineArtifactChannel)
        self.is_artifact_list = self.is_artifact_channel
        super().__init__(
            output.name,
            output.channel_type if self.is_artifact_channel else "LIST",
            output.task_name,
        )

    def copy(self) -> Collected:
        """A copy for one task, which the compiler changes to refer to the group that outputs the
        list."""
        twin = Collected.__new__(Collected)
        twin.__dict__.update(self.__dict__)
        return twin


def make_channel(
    name: str, channel_type: Any, task_name: str | None = None, is_artifact_list: bool = False
) -> PipelineParameterChannel | PipelineArtifactChannel:
    """Create a parameter channel or an artifact channel, depending on the type."""
    if types.is_parameter(channel_type):
        return PipelineParameterChannel(name, channel_type, task_name)
    return PipelineArtifactChannel(name, channel_type, task_name, is_artifact_list)


def channels_in(value: Any) -> list[PipelineChannel]:
    """The channels in a value: the value itself, those in strings, and those nested in lists and
    dicts; without duplicates, in order of appearance."""
    found: dict[str, PipelineChannel] = {}
    _collect(value, found)
    return list(found.values())


def _collect(value: Any, found: dict[str, PipelineChannel]) -> None:
    if isinstance(value, PipelineChannel):
        found.setdefault(value.pattern, value)
    elif isinstance(value, str):
        if "{{channel:" in value:
            for match in _IN_TEXT.finditer(value):
                if match[0] not in found:
                    found[match[0]] = _registered(match[0]) or _parsed(*match.groups())
    elif isinstance(value, (list, tuple)):
        for each in value:
            _collect(each, found)
    elif isinstance(value, dict):
        for key, each in value.items():
            _collect(key, found)
            _collect(each, found)


def _registered(pattern: str) -> PipelineChannel | None:
    """The registered channel of a pattern, such as the item of a loop; None when there is none."""
    pipeline = current_context()
    return pipeline.loop_channels.get(pattern) if pipeline else None


def _parsed(task_name: str, name: str, channel_type: str) -> PipelineChannel:
    kind: Any = channel_type
    if channel_type.startswith("{"):
        kind = json.loads(channel_type)
    return make_channel(name, kind, task_name)


def replace_in(value: Any, channels: Sequence[PipelineChannel], texts: Sequence[str]) -> Any:
    """Replace each channel by the text at its index, anywhere in `value` except in dict keys."""
    if isinstance(value, dict):
        return {key: replace_in(each, channels, texts) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_in(each, channels, texts) for each in value]
    if isinstance(value, PipelineChannel):
        value = value.pattern
    if isinstance(value, str):
        for channel, text in zip(channels, texts, strict=True):
            value = value.replace(channel.pattern, text)
    return value

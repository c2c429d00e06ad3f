"""The items of a loop: channels with a different value in each iteration."""

from __future__ import annotations

import re
from typing import Any

from headrace.graph.channels import (
    PipelineArtifactChannel,
    PipelineChannel,
    PipelineParameterChannel,
)
from headrace.graph.interfaces import types

ITEM = "loop-item"
_ITEM_TYPE = re.compile(r"(typing\.)?(?:\w+)(?:\[(?P<inner>.+)\])")
_VALUE_TYPE = re.compile(r"(typing\.)?(?:\w+)(?:\[\s*(?:\w+)\s*,\s*(?P<inner>.+)\])")
_VARIABLE = re.compile(r"^[a-zA-Z_][0-9a-zA-Z_]*$")


class LoopParameterArgument(PipelineParameterChannel):
    """The item of a loop over parameters. ``item.a`` is the value of the key `a` when the item is a
    dict."""

    def __init__(
        self, items: Any, name: str, channel_type: str, task_name: str | None = None
    ) -> None:
        self._variables: dict[str, LoopArgumentVariable] = {}
        self.items_or_pipeline_channel: Any = list(items) if isinstance(items, tuple) else items
        super().__init__(name, channel_type, task_name)
        _register(self)
        if isinstance(items, (list, tuple)) and isinstance(items[0], dict):
            for key in items[0]:
                setattr(self, key, self._variable(key))

    @property
    def is_with_items_loop_argument(self) -> bool:
        """Whether the loop iterates over constants."""
        return not isinstance(self.items_or_pipeline_channel, PipelineChannel)

    def __getattr__(self, name: str) -> LoopArgumentVariable:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._variable(name)

    def _variable(self, name: str) -> LoopArgumentVariable:
        if name not in self._variables:
            self._variables[name] = LoopArgumentVariable(self, name)
        return self._variables[name]

    @classmethod
    def of_channel(cls, channel: PipelineParameterChannel) -> LoopParameterArgument:
        """The item of a loop over a channel.

        Raises:
            ValueError: The channel is not a list.
        """
        kind = channel.channel_type
        is_list = isinstance(channel, LoopArgumentVariable) or types.ir_type(kind) == "LIST"
        if not is_list:
            raise ValueError(
                "Cannot iterate over a single parameter using `dsl.ParallelFor`. Expected a list "
                f"of parameters as argument to `items`; {channel.full_name!r} is a {kind}."
            )
        inner = _inner_type(_ITEM_TYPE, kind)
        return cls(channel, f"{channel.name}-{ITEM}", inner, channel.task_name)

    @classmethod
    def of_items(cls, items: Any, code: str) -> LoopParameterArgument:
        """The item of a loop over constants; `code` makes its name unique.

        Raises:
            ValueError: The items are empty, or the first one is an empty dict.
            TypeError: The items are not a list or tuple.
        """
        if len(items) == 0:
            raise ValueError("Got an empty item list for loop argument.")
        if not isinstance(items, (list, tuple)):
            raise TypeError(f"Expected list, tuple, or PipelineParameterChannel, got {items}.")
        first = items[0]
        if first == {}:
            raise ValueError(
                "The first item of a loop cannot be an empty dict: its keys define the item's type."
            )
        kind = type(first).__name__
        if isinstance(first, dict):
            key, value = next(iter(first.items()))
            kind = f"Dict[{type(key).__name__}, {type(value).__name__}]"
        return cls(items, f"{ITEM}-param-{code}", kind)


class LoopArtifactArgument(PipelineArtifactChannel):
    """The item of a loop over artifacts."""

    is_with_items_loop_argument = False

    def __init__(self, items: PipelineArtifactChannel) -> None:
        self.items_or_pipeline_channel: Any = items
        super().__init__(f"{items.name}-{ITEM}", items.channel_type, items.task_name)
        _register(self)

    @classmethod
    def of_channel(cls, channel: PipelineArtifactChannel) -> LoopArtifactArgument:
        """The item of a loop over a channel.

        Raises:
            ValueError: The channel is not a list of artifacts.
        """
        if not channel.is_artifact_list:
            raise ValueError(
                "Cannot iterate over a single artifact using `dsl.ParallelFor`. Expected a list "
                f"of artifacts as argument to `items`; {channel.full_name!r} is one artifact."
            )
        return cls(channel)


class LoopArgumentVariable(PipelineParameterChannel):
    """The value of one key of a loop's item that is a dict.

    Raises:
        ValueError: The key is not a valid Python variable name.
    """

    def __init__(self, loop_argument: LoopParameterArgument, subvar_name: str) -> None:
        if not isinstance(subvar_name, str) or not _VARIABLE.match(subvar_name):
            raise ValueError(
                f"Tried to create subvariable named {subvar_name}, but that is not a legal Python "
                "variable name."
            )
        self.loop_argument = loop_argument
        self.subvar_name = subvar_name
        super().__init__(
            f"{loop_argument.name}-subvar-{subvar_name}",
            _inner_type(_VALUE_TYPE, loop_argument.channel_type),
            loop_argument.task_name,
        )
        _register(self)

    @property
    def items_or_pipeline_channel(self) -> Any:
        """The constants or the channel that the loop iterates over."""
        return self.loop_argument.items_or_pipeline_channel

    @property
    def is_with_items_loop_argument(self) -> bool:
        """Whether the loop iterates over constants."""
        return self.loop_argument.is_with_items_loop_argument


def _register(channel: PipelineChannel) -> None:
    if channel.pipeline is not None:
        channel.pipeline.loop_channels[channel.pattern] = channel


LoopArgument = LoopParameterArgument | LoopArtifactArgument
LOOP_CHANNELS = (LoopParameterArgument, LoopArtifactArgument, LoopArgumentVariable)


def sources(channel: PipelineChannel) -> list[PipelineChannel]:
    """A channel followed by the channels it is derived from: an item's variable, the item, the
    list, and so on for nested loops."""
    found: list[PipelineChannel] = []
    link: Any = channel
    while isinstance(link, LOOP_CHANNELS):
        found.append(link)
        if isinstance(link, LoopArgumentVariable):
            link = link.loop_argument
        else:
            link = link.items_or_pipeline_channel
    if isinstance(link, PipelineChannel):
        found.append(link)
    return found


def _inner_type(pattern: re.Pattern[str], type_name: Any) -> str:
    match = pattern.match(type_name) if isinstance(type_name, str) else None
    return match["inner"].strip() if match else "String"

"""Outputs of version 1 ops. Their types say little: what uses one decides what it becomes.

An output whose type is a parameter's is a parameter. Any other becomes a text when its value is
used, a number when it is compared with one, and else an artifact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headrace.graph import types
from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.names import input_name
from headrace.graph.pipeline import Pipeline
from headrace.step.types import PARAMETER_TYPES

UI_METADATA = "mlpipeline_ui_metadata"
METRICS = "mlpipeline_metrics"
UI_FILES = {
    UI_METADATA: "/mlpipeline-ui-metadata.json",
    METRICS: "/mlpipeline-metrics.json",
}
"""The files by which a step of version 1 shows something, by the names of their outputs."""
_TEXTS = frozenset(("gcspath", "gcrpath", "gcpregion", "gcpprojectid", "url", "uri", "localpath"))
"""Types of version 1 that are short texts."""


class Output(PipelineParameterChannel):
    """An output of an op, used like any other channel.

    Args:
        name: The output's name in the IR.
        declared: The type that it was declared with, if any.
        task_name: The name of its op.
    """

    def __init__(self, name: str, declared: Any, task_name: str) -> None:
        known = parameter_type(declared)
        self.is_open = known is None
        """Whether its uses decide what it is."""
        self.is_artifact = False
        self.is_used = False
        """Whether its value is used."""
        super().__init__(name, known or "String", task_name)
        self._pattern = super().pattern
        if self.pipeline is not None:
            self.pipeline.loop_channels[self._pattern] = self

    @property
    def pattern(self) -> str:
        """The text that stands for it; it stays the same whatever the output becomes."""
        return getattr(self, "_pattern", None) or super().pattern

    def use_as_list(self) -> None:
        """Note that it is looped over: its text is the JSON of a list."""
        self.is_open = False
        self.channel_type = "List"

    def ignore_type(self) -> Output:
        """Version 1's way to pass it to an input of any type, which is always possible here."""
        return self


class Outputs(Mapping[str, Output]):
    """The outputs of an op by their names, as declared or as the names of Python variables."""

    def __init__(self, outputs: Mapping[str, Output], implicit: Collection[str] = ()) -> None:
        self._outputs = dict(outputs)
        self._declared = [name for name in outputs if name not in implicit]

    def __getitem__(self, name: str) -> Output:
        if name == "output" and name not in self._outputs and len(self._declared) == 1:
            return self._outputs[self._declared[0]]
        found = self._outputs.get(name) or self._outputs.get(input_name(name))
        if found is None:
            raise KeyError(f"there is no output {name!r}; there are {sorted(self._outputs)}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


def parameter_type(declared: Any) -> str | None:
    """The type of a parameter that a declared type is; None for one that says nothing."""
    name = type_name(declared)
    if name is None:
        return None
    ir_type = PARAMETER_TYPES.get(name.lower())
    if ir_type is not None:
        return types.NAMES_BY_IR_TYPE[ir_type]
    return "String" if name.lower() in _TEXTS else None


def type_name(declared: Any) -> str | None:
    """A type's name, of a text or of a mapping with what else is known of it."""
    if isinstance(declared, Mapping) and declared:
        declared = next(iter(declared))
    return declared if isinstance(declared, str) else None


def artifact_type(declared: Any) -> str:
    """The type of an artifact: a known class, and else any artifact."""
    name = type_name(declared) or ""
    known: Any = types.ARTIFACT_CLASSES.get(name.lower())
    if known is not None and name.lower() != "metrics":  # there it is a file, not values
        return types.bundle(known.schema_title, known.schema_version)
    return types.bundle("system.Artifact")


def current_outputs(pipeline: Pipeline) -> Iterator[Output]:
    """All outputs of the ops of a pipeline."""
    for channel in pipeline.loop_channels.values():
        if isinstance(channel, Output):
            yield channel

"""Outputs of version 1 ops, whose types depend on how they are used.

An output with a declared parameter type is a parameter. Any other becomes a string when its value
is used, a number when it is compared with a number, and otherwise an artifact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.interfaces import types
from headrace.graph.names import input_name
from headrace.graph.pipeline import Pipeline
from headrace.step.types import PARAMETER_TYPES

UI_METADATA = "mlpipeline_ui_metadata"
METRICS = "mlpipeline_metrics"
UI_FILES = {
    UI_METADATA: "/mlpipeline-ui-metadata.json",
    METRICS: "/mlpipeline-metrics.json",
}
"""The files that version 1 shows in its user interface, by the names of their outputs."""
_TEXTS = frozenset(("gcspath", "gcrpath", "gcpregion", "gcpprojectid", "url", "uri", "localpath"))
"""Types of version 1 whose values are short strings."""


class Output(PipelineParameterChannel):
    """An output of an op, used like any other channel.

    Args:
        name: The output's name in the IR.
        declared: The declared type, if any.
        task_name: The op's name.
    """

    def __init__(self, name: str, declared: Any, task_name: str) -> None:
        known = parameter_type(declared)
        self.is_type_open = known is None
        """Whether its uses decide if it is a parameter or an artifact."""
        self.is_artifact = False
        self.is_used = False
        """Whether a task, condition or loop uses its value."""
        super().__init__(name, known or "String", task_name)
        self._pattern = super().pattern
        if self.pipeline is not None:
            self.pipeline.loop_channels[self._pattern] = self

    @property
    def pattern(self) -> str:
        """The text that represents it; it does not change with the output's type."""
        return getattr(self, "_pattern", None) or super().pattern

    def use_as_list(self) -> None:
        """Make it a list: its text is JSON."""
        self.is_type_open = False
        self.channel_type = "List"

    def ignore_type(self) -> Output:
        """Does nothing: in version 1 it allows passing the output to an input of any type, which is
        always possible here."""
        return self


class Outputs(Mapping[str, Output]):
    """The outputs of an op by name, as declared or in the form of Python names."""

    def __init__(self, outputs: Mapping[str, Output], implicit: Collection[str] = ()) -> None:
        self._outputs = dict(outputs)
        self._declared = [name for name in outputs if name not in implicit]

    def __getitem__(self, name: str) -> Output:
        if name == "output" and name not in self._outputs and len(self._declared) == 1:
            return self._outputs[self._declared[0]]
        found = self._outputs.get(name) or self._outputs.get(input_name(name))
        if found is None:
            raise KeyError(f"there is no output {name!r}; the outputs are {sorted(self._outputs)}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


def parameter_type(declared: Any) -> str | None:
    """The parameter type of a declared type; None when it is not a known parameter type."""
    name = type_name(declared)
    if name is None:
        return None
    ir_type = PARAMETER_TYPES.get(name.lower())
    if ir_type is not None:
        return types.NAMES_BY_IR_TYPE[ir_type]
    return "String" if name.lower() in _TEXTS else None


def type_name(declared: Any) -> str | None:
    """The name of a declared type: a string, or the key of a mapping with further properties."""
    if isinstance(declared, Mapping) and declared:
        declared = next(iter(declared))
    return declared if isinstance(declared, str) else None


def artifact_type(declared: Any) -> str:
    """The artifact type of a declared type: a known class, otherwise the generic artifact."""
    name = type_name(declared) or ""
    known: Any = types.ARTIFACT_CLASSES.get(name.lower())
    if known is not None and name.lower() != "metrics":  # in version 1 a file, not metadata
        return types.bundle(known.schema_title, known.schema_version)
    return types.bundle("system.Artifact")


def current_outputs(pipeline: Pipeline) -> Iterator[Output]:
    """Yield the outputs of a pipeline's ops."""
    for channel in pipeline.loop_channels.values():
        if isinstance(channel, Output):
            yield channel

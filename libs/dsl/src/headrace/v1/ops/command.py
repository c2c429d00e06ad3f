"""The arguments of an op's command: strings, and files whose paths are known when the pipeline's
function has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.graph.interfaces.placeholders import InputValuePlaceholder
from headrace.graph.names import input_name
from headrace.step.dsl import (
    PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
)
from headrace.v1.refused import refuse


@dataclass(frozen=True)
class InputFile:
    """The path of a file that contains an input."""

    name: str


@dataclass(frozen=True)
class OutputFile:
    """The path of a file that the command writes an output to."""

    name: str


ArgumentPart = str | InputFile | OutputFile
Argument = tuple[ArgumentPart, ...]
"""One argument of a command, as parts to concatenate."""


def value_placeholder(name: str) -> str:
    """The placeholder in a command for the value of an input."""
    return InputValuePlaceholder(name).to_text()


def constant_text(value: Any) -> str:
    """The text of a constant in a command of version 1."""
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


class CommandReader:
    """Reads the command of a component file for one call of the component: placeholders that
    depend on which inputs have values are resolved here.

    Args:
        is_present: Whether the input with this name (as in the file) has a value.
    """

    def __init__(self, is_present: Callable[[str], bool]) -> None:
        self._is_present = is_present

    def arguments(self, elements: Sequence[Any]) -> list[Argument]:
        """The arguments that the elements of a command result in."""
        return [argument for element in elements for argument in self._arguments(element)]

    def _arguments(self, element: Any) -> list[Argument]:
        if not isinstance(element, Mapping):
            return [(constant_text(element),)]
        ((key, value),) = element.items()
        if key == "concat":
            return [tuple(part for argument in self.arguments(value) for part in argument)]
        if key == "if":
            branch = value.get("then" if self._is_present(value["cond"]["isPresent"]) else "else")
            branch = [] if branch is None else branch
            return self.arguments(branch if isinstance(branch, list) else [branch])
        if key == "executorInput":
            return [(PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,)]
        if key in ("inputUri", "outputUri"):
            refuse(
                f"{{{key}: {value}}} in a version 1 pipeline",
                "Use {inputPath} or {outputPath}, or annotate the pipeline's parameters, which "
                "makes it one of version 2.",
            )
        if key == "outputPath":
            return [(OutputFile(input_name(value)),)]
        if not self._is_present(value):
            return []  # version 1 omits the argument of an input without a value
        name = input_name(value)
        return [(InputFile(name),)] if key == "inputPath" else [(value_placeholder(name),)]

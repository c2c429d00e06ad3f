"""The words of an op's command: texts, and places whose paths are known when the op is settled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.graph.names import input_name
from headrace.graph.placeholders import (
    PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
    InputValuePlaceholder,
)
from headrace.v1.refused import refuse


@dataclass(frozen=True)
class InPath:
    """The path of a file with an input."""

    name: str


@dataclass(frozen=True)
class OutPath:
    """The path of a file for an output."""

    name: str


Part = str | InPath | OutPath
Word = tuple[Part, ...]


def value_word(name: str) -> str:
    """What stands in a command for the value of an input."""
    return InputValuePlaceholder(name).to_text()


def text_of(value: Any) -> str:
    """A constant as version 1 put it into a command."""
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


class Reader:
    """Reads the command of a component file, for a call with certain arguments: whatever depends
    on which inputs were given is decided here.

    Args:
        is_present: Whether an input has a value, by its name in the file.
    """

    def __init__(self, is_present: Callable[[str], bool]) -> None:
        self._is_present = is_present

    def words(self, elements: Sequence[Any]) -> list[Word]:
        """The words that come of elements."""
        return [word for element in elements for word in self._words(element)]

    def _words(self, element: Any) -> list[Word]:
        if not isinstance(element, Mapping):
            return [(text_of(element),)]
        ((key, value),) = element.items()
        if key == "concat":
            return [tuple(part for word in self.words(value) for part in word)]
        if key == "if":
            branch = value.get("then" if self._is_present(value["cond"]["isPresent"]) else "else")
            branch = [] if branch is None else branch
            return self.words(branch if isinstance(branch, list) else [branch])
        if key == "executorInput":
            return [(PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,)]
        if key in ("inputUri", "outputUri"):
            refuse(
                f"{{{key}: {value}}} in a version 1 pipeline",
                "Use {inputPath} or {outputPath}, or annotate the pipeline's parameters, which "
                "makes it one of version 2.",
            )
        if key == "outputPath":
            return [(OutPath(input_name(value)),)]
        if not self._is_present(value):
            return []  # version 1 leaves out the word of an input that was not given
        name = input_name(value)
        return [(InPath(name),)] if key == "inputPath" else [(value_word(name),)]

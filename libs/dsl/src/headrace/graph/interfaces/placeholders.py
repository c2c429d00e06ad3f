"""Placeholders in a command for values that are known when the step runs.

Those without arguments are constants in `headrace.step.dsl`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class Placeholder:
    """A part of a command that is replaced when the step runs."""

    def to_text(self) -> str:
        """The placeholder's text in a command of the IR."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.to_text()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


CommandLineElement = str | Placeholder


class InputPlaceholder(Placeholder):
    """A placeholder of one input; `form` is its text, with ``%s`` for the input's name."""

    form = ""

    def __init__(self, input_name: str) -> None:
        self.input_name = input_name

    def to_text(self) -> str:
        return self.form % self.input_name


class OutputPlaceholder(Placeholder):
    """A placeholder of one output; `form` is its text, with ``%s`` for the output's name."""

    form = ""

    def __init__(self, output_name: str) -> None:
        self.output_name = output_name

    def to_text(self) -> str:
        return self.form % self.output_name


class InputValuePlaceholder(InputPlaceholder):
    """The value of an input parameter."""

    form = "{{$.inputs.parameters['%s']}}"


class InputPathPlaceholder(InputPlaceholder):
    """The path of an input artifact."""

    form = "{{$.inputs.artifacts['%s'].path}}"


class InputUriPlaceholder(InputPlaceholder):
    """The URI of an input artifact."""

    form = "{{$.inputs.artifacts['%s'].uri}}"


class InputMetadataPlaceholder(InputPlaceholder):
    """The metadata of an input artifact; ``[key]`` is one entry of it."""

    form = "{{$.inputs.artifacts['%s'].metadata}}"

    def __getitem__(self, key: str) -> str:
        return f"{{{{$.inputs.artifacts['{self.input_name}'].metadata['{key}']}}}}"


class OutputParameterPlaceholder(OutputPlaceholder):
    """The path of the file that an output parameter is written to."""

    form = "{{$.outputs.parameters['%s'].output_file}}"


class OutputPathPlaceholder(OutputPlaceholder):
    """The path of an output artifact."""

    form = "{{$.outputs.artifacts['%s'].path}}"


class OutputUriPlaceholder(OutputPlaceholder):
    """The URI of an output artifact."""

    form = "{{$.outputs.artifacts['%s'].uri}}"


class OutputMetadataPlaceholder(OutputPlaceholder):
    """The metadata of an output artifact; ``[key]`` is one entry of it."""

    form = "{{$.outputs.artifacts['%s'].metadata}}"

    def __getitem__(self, key: str) -> str:
        return f"{{{{$.outputs.artifacts['{self.output_name}'].metadata['{key}']}}}}"


class _WholeList:
    """A list of artifacts, which a command can only use as a whole."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("name", "uri", "metadata", "path"):
            raise AttributeError(f"{_whole_list_only(self)}; it has no attribute {name!r}.")
        return object.__getattribute__(self, name)

    def __getitem__(self, index: int) -> None:
        raise KeyError(f"{_whole_list_only(self)}; its element {index} cannot be accessed.")


def _whole_list_only(listed: _WholeList) -> str:
    (name,) = vars(listed).values()
    return f"{name!r} is a list of artifacts, which a command can only use as a whole"


class InputListOfArtifactsPlaceholder(_WholeList, InputPlaceholder):
    """A list of input artifacts, as JSON."""

    form = "{{$.inputs.artifacts['%s']}}"


class OutputListOfArtifactsPlaceholder(_WholeList, OutputPlaceholder):
    """A list of output artifacts, as JSON."""

    form = "{{$.outputs.artifacts['%s']}}"


class _Structure(Placeholder):
    """A placeholder that contains others; it is always a whole element of a command."""

    def to_dict(self) -> dict[str, Any]:
        """The placeholder as JSON, which is its text in the IR."""
        raise NotImplementedError

    def to_text(self) -> str:
        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        raise ValueError(
            f"Cannot use {type(self).__name__} in an f-string: it has to be a whole element of a "
            "command."
        )


class ConcatPlaceholder(_Structure):
    """Strings and placeholders, concatenated without separators.

    Raises:
        ValueError: An `IfPresentPlaceholder` in it has a list in `then` or `else_`.
    """

    def __init__(self, items: Sequence[CommandLineElement]) -> None:
        for item in items:
            if isinstance(item, IfPresentPlaceholder):
                item.check_single()
        self.items = list(items)

    def to_dict(self) -> dict[str, Any]:
        return {"Concat": [_structure(item) for item in self.items]}


class IfPresentPlaceholder(_Structure):
    """`then` when the input has a value, otherwise `else_`; either can be a list."""

    def __init__(
        self,
        input_name: str,
        then: CommandLineElement | list[CommandLineElement],
        else_: CommandLineElement | list[CommandLineElement] | None = None,
    ) -> None:
        self.input_name = input_name
        self.then = then
        self.else_ = else_

    def check_single(self) -> None:
        """Check that it stands for at most one element, as required inside a `ConcatPlaceholder`.

        Raises:
            ValueError: `then` or `else_` is a list, here or in a nested placeholder.
        """
        for branch in (self.then, self.else_):
            if isinstance(branch, list):
                raise ValueError(
                    "An IfPresentPlaceholder inside a ConcatPlaceholder must have a single element "
                    "in `then` and `else_`, not a list."
                )
            parts = branch.items if isinstance(branch, ConcatPlaceholder) else [branch]
            for part in parts:
                if isinstance(part, IfPresentPlaceholder):
                    part.check_single()

    def to_dict(self) -> dict[str, Any]:
        inner = {"InputName": self.input_name, "Then": _branch(self.then)}
        if self.else_:
            inner["Else"] = _branch(self.else_)
        return {"IfPresent": inner}

    def elements(self) -> list[CommandLineElement]:
        """The elements of both branches."""
        found: list[CommandLineElement] = []
        for branch in (self.then, self.else_):
            if isinstance(branch, list):
                found.extend(branch)
            elif branch is not None:
                found.append(branch)
        return found


def _branch(branch: Any) -> Any:
    return [_structure(each) for each in branch] if isinstance(branch, list) else _structure(branch)


def _structure(element: Any) -> Any:
    if isinstance(element, _Structure):
        return element.to_dict()
    return element.to_text() if isinstance(element, Placeholder) else element


def element_text(element: Any) -> Any:
    """The text of a command's element in the IR."""
    return element.to_text() if isinstance(element, Placeholder) else element


class ArtifactInCommand:
    """The argument for an artifact of a container component's function: its `uri`, `path` and
    `metadata` are placeholders; it cannot be used in a command itself."""

    _PLACEHOLDERS = {
        ("uri", "input"): InputUriPlaceholder,
        ("path", "input"): InputPathPlaceholder,
        ("metadata", "input"): InputMetadataPlaceholder,
        ("uri", "output"): OutputUriPlaceholder,
        ("path", "output"): OutputPathPlaceholder,
        ("metadata", "output"): OutputMetadataPlaceholder,
    }

    def __init__(self, direction: str, name: str) -> None:
        self._direction = direction
        self._name = name

    def __getattr__(self, attribute: str) -> Placeholder:
        found = self._PLACEHOLDERS.get((attribute, self._direction))
        if found is None:
            raise AttributeError(
                f"Cannot access artifact attribute {attribute!r} of {self._name!r}: a command can "
                "only use its path, uri and metadata."
            )
        return found(self._name)

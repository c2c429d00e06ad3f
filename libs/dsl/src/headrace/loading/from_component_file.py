"""Reads component files of version 1, with `inputs`, `outputs` and `implementation`.

As in KFP 2, an input or output with a parameter type is a parameter, any other is an artifact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import (
    ConcatPlaceholder,
    IfPresentPlaceholder,
    InputPathPlaceholder,
    InputUriPlaceholder,
    InputValuePlaceholder,
    OutputParameterPlaceholder,
    OutputPathPlaceholder,
    OutputUriPlaceholder,
    Placeholder,
)
from headrace.graph.interfaces.specs import ComponentSpec, Container, InputSpec, OutputSpec
from headrace.graph.names import input_name
from headrace.step.dsl import (
    PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
)
from headrace.step.types import PARAMETER_TYPES

_GOOGLE = re.compile(r"^google.[A-Za-z]+$")
_OF_INPUT: dict[str, Callable[[str], Placeholder]] = {
    "inputValue": InputValuePlaceholder,
    "inputPath": InputPathPlaceholder,
    "inputUri": InputUriPlaceholder,
}
_YES, _NO = ("y", "yes", "t", "true", "on", "1"), ("n", "no", "f", "false", "off", "0")
_SPEC_KEYS = {"name", "description", "metadata", "inputs", "outputs", "implementation", "version"}


def component_from_file_spec(spec: Mapping[str, Any]) -> ComponentSpec:
    """The component of a parsed component file.

    Raises:
        ValueError: Two inputs or two outputs have the same name.
        TypeError: A key or placeholder is unknown, a placeholder refers to an input or output that
            does not exist, or the implementation is a graph.
        NotImplementedError: The implementation has no container.
    """
    unknown = sorted(set(spec) - _SPEC_KEYS)
    if unknown:
        raise TypeError(
            f"Unknown key {unknown[0]!r} in the component file. Known keys: {sorted(_SPEC_KEYS)}."
        )
    implementation = spec.get("implementation") or {}
    others = sorted(set(implementation) - {"container"})
    if others:
        raise TypeError(
            f"Container implementation not found: the implementation of a component must be a "
            f"container, not a {others[0]}. Write a function with @dsl.pipeline instead of a graph."
        )
    container = implementation.get("container")
    if container is None:
        raise NotImplementedError("Container implementation not found.")
    if "image" not in container:
        raise TypeError("The container of the component has no `image`.")
    inputs = _by_name(spec.get("inputs") or [], "input")
    outputs = _by_name(spec.get("outputs") or [], "output")
    convert = _Converter(inputs, outputs)
    return ComponentSpec(
        name=spec.get("name") or "name",
        description=spec.get("description"),
        inputs={input_name(each["name"]): _input(each) for each in inputs.values()},
        outputs={input_name(each["name"]): _output(each) for each in outputs.values()},
        container=Container(
            image=container["image"],
            command=convert.all(container.get("command") or []),
            args=convert.all(container.get("args") or []),
            env={key: convert(value) for key, value in (container.get("env") or {}).items()},
        ),
    )


def _by_name(entries: Sequence[Mapping[str, Any]], what: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if "name" not in entry:
            raise TypeError(f"An {what} must have a `name`. Got: {dict(entry)}")
        if entry["name"] in found:
            raise ValueError(f'Non-unique {what} name "{entry["name"]}"')
        found[entry["name"]] = entry
    return found


def _input(entry: Mapping[str, Any]) -> InputSpec:
    optional = bool(entry.get("optional", False)) or entry.get("default") is not None
    default = _default(entry.get("type"), entry.get("default"))
    name = _outer(entry.get("type"))
    if name == types.FINAL_STATUS:
        return InputSpec(name, optional=True)
    kind, is_parameter = _kind(name)
    if not is_parameter and not optional:
        return InputSpec(kind)
    return InputSpec(kind, default=default, optional=optional)


def _output(entry: Mapping[str, Any]) -> OutputSpec:
    return OutputSpec(_kind(_outer(entry.get("type")))[0])


def _outer(kind: Any) -> Any:
    return types.outer_name(kind) if isinstance(kind, str) else kind


def _kind(name: Any) -> tuple[str, bool]:
    """The type for a name in the file, and whether it is a parameter type."""
    if isinstance(name, str):
        ir_type = PARAMETER_TYPES.get(name.lower())
        if ir_type:
            return types.NAMES_BY_IR_TYPE[ir_type], True
        if _GOOGLE.match(name):
            return types.bundle(name), False
        known: Any = types.ARTIFACT_CLASSES.get(name.lower())
        if known:
            return types.bundle(known.schema_title, known.schema_version), False
    return types.bundle("system.Artifact"), False


def _default(kind: Any, default: Any) -> Any:
    if default is None or not isinstance(kind, str):
        return default
    ir_type = PARAMETER_TYPES.get(kind.lower())
    if ir_type == "NUMBER_INTEGER":
        return int(default)
    if ir_type == "NUMBER_DOUBLE":
        return float(default)
    if ir_type == "STRING":
        return str(default)
    if ir_type == "BOOLEAN" and isinstance(default, str):
        if default.lower() not in _YES + _NO:
            raise ValueError(f"invalid truth value {default!r}")
        return default.lower() in _YES
    if ir_type in ("STRUCT", "LIST") and isinstance(default, str):
        try:
            return json.loads(default)
        except ValueError:
            return default
    return default


class _Converter:
    """Converts the elements of a command in a component file."""

    def __init__(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        self._inputs = inputs
        self._outputs = outputs

    def all(self, elements: Sequence[Any]) -> list[Any]:
        """Convert all elements of a command."""
        return [self(element) for element in elements]

    def __call__(self, element: Any) -> Any:
        if isinstance(element, str):
            return element
        if isinstance(element, (bool, int, float)):
            return str(element)
        if not isinstance(element, dict) or len(element) != 1:
            raise TypeError(
                f"Got unexpected {element!r} in a command: an element must be a string or a "
                "placeholder, which is a mapping with one key."
            )
        ((key, value),) = element.items()
        if key in _OF_INPUT:
            self._check(value, self._inputs, "input")
            return _OF_INPUT[key](input_name(value))
        if key == "outputPath":
            self._check(value, self._outputs, "output")
            is_parameter = types.is_parameter(self._outputs[value].get("type"))
            made = OutputParameterPlaceholder if is_parameter else OutputPathPlaceholder
            return made(input_name(value))
        if key == "outputUri":
            self._check(value, self._outputs, "output")
            return OutputUriPlaceholder(input_name(value))
        if key == "executorInput":
            return PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER
        if key == "concat":
            return ConcatPlaceholder(self.all(value))
        if key == "if":
            return self._if(value)
        raise TypeError(f"Unexpected placeholder {element!r} in a command.")

    def _if(self, value: Mapping[str, Any]) -> IfPresentPlaceholder:
        condition = value.get("cond")
        if not isinstance(condition, dict) or "isPresent" not in condition:
            raise TypeError(
                f"The condition {condition!r} must have the form {{isPresent: <input name>}}."
            )
        name = condition["isPresent"]
        self._check(name, self._inputs, "input")
        then, otherwise = value.get("then"), value.get("else")
        return IfPresentPlaceholder(
            input_name(name),
            self.all(then) if isinstance(then, list) else self(then),
            self.all(otherwise) if isinstance(otherwise, list) else otherwise and self(otherwise),
        )

    def _check(self, name: str, known: Mapping[str, Any], what: str) -> None:
        if name not in known:
            raise TypeError(f"A placeholder references the non-existing {what} {name!r}.")

"""Reads a component's interface from its function: its annotations, defaults and docstring."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Container
from typing import Any, Union

from headrace.authoring import docstrings
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, ContainerSpec, InputSpec, OutputSpec
from headrace.step.types import (
    SINGLE_OUTPUT,
    EmbeddedAnnotation,
    InputAnnotation,
    InputPath,
    OutputAnnotation,
    OutputPath,
    marker,
)

_EMPTY = inspect.Parameter.empty


def component_spec(
    function: Callable[..., Any],
    in_container: bool = False,
    description: str | None = None,
    name: str | None = None,
) -> ComponentSpec:
    """The component specification of a function, without its execution.

    Args:
        function: The function, with annotations for all its parameters.
        in_container: Whether it is the function of a container component.
        description: The description, instead of the docstring.
        name: The name, instead of the function's.

    Raises:
        TypeError: An annotation is missing, or cannot be used for an input or output.
        ValueError: A default is not valid for its input.
    """
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        _read_parameter(parameter, in_container, inputs, outputs)
    _read_return(signature.return_annotation, in_container, outputs)
    text = inspect.getdoc(function)
    docstring = docstrings.parse(text)
    for key, described in docstring.parameters.items():
        if key in inputs:
            inputs[key].description = described
    for key, described in docstrings.parse_returns(text).items():
        if key in outputs:
            outputs[key].description = described
    return ComponentSpec(
        name=name or function.__name__,
        inputs=inputs,
        outputs=outputs,
        description=description or docstring.description,
    )


def without_optional(annotation: Any) -> Any:
    """`T` of ``Optional[T]``; other annotations unchanged."""
    arguments: tuple[Any, ...] = getattr(annotation, "__args__", ())
    if typing.get_origin(annotation) is Union and len(arguments) > 1:
        return arguments[0] if arguments[1] is type(None) else annotation
    return annotation


def _read_parameter(
    parameter: inspect.Parameter,
    in_container: bool,
    inputs: dict[str, InputSpec],
    outputs: dict[str, OutputSpec],
) -> None:
    name = parameter.name
    if name == SINGLE_OUTPUT:
        raise ValueError(f'"{SINGLE_OUTPUT}" is an invalid parameter name.')
    annotation = without_optional(parameter.annotation)
    if annotation is _EMPTY:
        raise TypeError(f"Missing type annotation for argument: {name}")
    mark = marker(annotation)
    if mark is EmbeddedAnnotation:
        return
    if mark is OutputAnnotation or isinstance(annotation, OutputPath):
        outputs[_unused_name(name, outputs)] = _output(annotation)
        return
    is_bare = mark is None and (
        types.is_artifact_subclass(annotation) or types.is_artifact_list(annotation)
    )
    if is_bare and in_container:
        raise TypeError(
            "Container Components must wrap input and output artifact annotations with "
            "Input/Output type markers (Input[<artifact>] or Output[<artifact>]). Got function "
            f"input '{name}' with annotation {annotation}."
        )
    try:
        inputs[name] = _input(annotation, parameter)
    except TypeError as error:
        raise _explained(f"Argument {name!r}", error, annotation) from None


def _explained(place: str, error: TypeError, annotation: Any) -> TypeError:
    """The error with its place, and a hint when the annotation is a string."""
    hint = (
        " The annotation is a string: a module with components cannot use `from __future__ "
        "import annotations`."
    )
    return TypeError(f"{place}: {error}{hint if isinstance(annotation, str) else ''}")


def _unused_name(name: str, taken: Container[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _inner_annotation(annotation: Any) -> Any:
    if marker(annotation) in (InputAnnotation, OutputAnnotation):
        annotation = annotation.__args__[0]
    return annotation.type if isinstance(annotation, (InputPath, OutputPath)) else annotation


def _type_and_list(annotation: Any) -> dict[str, Any]:
    is_list = types.is_artifact_list(annotation)
    if is_list:
        annotation = annotation.__args__[0]
    if types.is_artifact_subclass(annotation):
        kind: Any = types.bundle(annotation.schema_title, annotation.schema_version)
    else:
        kind = types.annotation_name(annotation)
    return {"type": kind, "is_artifact_list": is_list}


def _output(annotation: Any) -> OutputSpec:
    return OutputSpec(**_type_and_list(_inner_annotation(annotation)))


def _input(annotation: Any, parameter: inspect.Parameter) -> InputSpec:
    annotation = _inner_annotation(annotation)
    kind = _type_and_list(annotation)
    is_artifact = types.is_artifact_subclass(annotation)
    has_default = parameter.default is not _EMPTY
    if (is_artifact or kind["is_artifact_list"]) and has_default and parameter.default is not None:
        raise ValueError(
            f"Optional Input artifacts may only have default value None. Got: {parameter.default}."
        )
    filled_in = getattr(parameter.annotation, "__name__", "") in (
        types.FINAL_STATUS,
        types.TASK_CONFIG,
    )
    return InputSpec(
        **kind,
        default=parameter.default if has_default and not is_artifact else None,
        optional=has_default or filled_in,
    )


def _read_return(annotation: Any, in_container: bool, outputs: dict[str, OutputSpec]) -> None:
    if in_container:
        if annotation not in (_EMPTY, ContainerSpec):
            raise TypeError(
                "Return annotation should be either ContainerSpec or omitted for container "
                "components."
            )
    elif annotation is None or annotation is _EMPTY:
        return
    elif hasattr(annotation, "_fields"):
        for name in annotation._fields:
            field = annotation.__annotations__[name]
            if not types.is_artifact_list(field) and not types.is_artifact_class(field):
                field = types.annotation_name(field)
            outputs[_unused_name(name, outputs)] = _output(field)
    elif isinstance(annotation, dict):
        raise TypeError(
            "A function's return annotation cannot be a dict. Use a NamedTuple for several outputs."
        )
    else:
        try:
            outputs[_unused_name(SINGLE_OUTPUT, outputs)] = _output(annotation)
        except TypeError as error:
            raise _explained("The return annotation", error, annotation) from None

"""The types of inputs and outputs: their names, and which fits which.

A type is named as in the component's own language: a parameter's by `String`, `Integer`, `Float`,
`Boolean`, `List`, `Dict` or an annotation such as ``typing.List[str]``; an artifact's by its schema
title and version, ``system.Model@0.0.1``.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, get_args, get_origin

from headrace.graph.errors import InconsistentTypeException
from headrace.step import artifacts
from headrace.step.types import PARAMETER_TYPES

ParameterValue = str | int | float | bool | dict[str, Any] | list[Any]
"""What a parameter can be."""

SCHEMA_VERSION = "0.0.1"
FINAL_STATUS = "PipelineTaskFinalStatus"
TASK_CONFIG = "TaskConfig"

ARTIFACT_CLASSES: dict[str, type] = {
    "artifact": artifacts.Artifact,
    "model": artifacts.Model,
    "dataset": artifacts.Dataset,
    "metrics": artifacts.Metrics,
    "classificationmetrics": artifacts.ClassificationMetrics,
    "slicedclassificationmetrics": artifacts.SlicedClassificationMetrics,
    "html": artifacts.HTML,
    "markdown": artifacts.Markdown,
}

NAMES = {
    "STRING": "String",
    "NUMBER_INTEGER": "Integer",
    "NUMBER_DOUBLE": "Float",
    "LIST": "List",
    "STRUCT": "Dict",
    "BOOLEAN": "Boolean",
    "TASK_FINAL_STATUS": FINAL_STATUS,
    "TASK_CONFIG": TASK_CONFIG,
}
"""A type of the IR to the name that a specification has it by."""
_SPEC_NAMES = frozenset(NAMES.values())
_PYTHON_TYPES: dict[Any, str] = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
    list: "List",
    dict: "Dict",
}
_SHORT = re.compile(r"(typing\.)?(?P<type>\w+)(?:\[.+\])?")


def short_name(type_name: str) -> str:
    """``typing.List[int]`` is `List`."""
    match = _SHORT.match(type_name)
    return match["type"] if match else type_name


def outer_name(type_name: str) -> str:
    """A list or dict without what it holds; any other name as it is."""
    name = type_name[len("typing.") :] if type_name.startswith("typing.") else type_name
    return name.split("[")[0] if name.lower().startswith(("list", "dict")) else name


def is_parameter(type_name: Any) -> bool:
    """Whether a value of this type is a parameter, not an artifact."""
    if isinstance(type_name, dict):
        type_name = next(iter(type_name))
    elif isinstance(type_name, str):
        type_name = short_name(type_name)
    else:
        return False
    return type_name.lower() in PARAMETER_TYPES or type_name in (FINAL_STATUS, TASK_CONFIG)


def ir_type(type_name: Any) -> str | None:
    """The IR's type of a parameter; None when it has none. What a run fills in is a STRUCT."""
    if type_name in (FINAL_STATUS, TASK_CONFIG):
        return "STRUCT"
    if type(type_name) is type:
        type_name = type_name.__name__
    elif isinstance(type_name, dict):
        type_name = next(iter(type_name))
    return PARAMETER_TYPES.get(short_name(str(type_name)).lower())


def bundle(schema_title: str, schema_version: str | None = None) -> str:
    """The type of an artifact, by its schema."""
    return f"{schema_title}@{schema_version or SCHEMA_VERSION}"


def schema(bundled: str) -> dict[str, str]:
    """The IR's `artifactType` of a type that `bundle` has made."""
    title, version = bundled.split("@")
    return {"schemaTitle": title, "schemaVersion": version}


def is_artifact_class(value: Any) -> bool:
    """Whether it says what artifact it is, as every class of artifacts does."""
    return hasattr(value, "schema_title") and hasattr(value, "schema_version")


def is_artifact_subclass(value: Any) -> bool:
    """Whether it is a class of artifacts of this SDK."""
    return type(value) is type and issubclass(value, artifacts.Artifact)


def is_artifact_list(annotation: Any) -> bool:
    """Whether it is a list of artifacts, such as ``List[Dataset]``."""
    arguments: tuple[Any, ...] = getattr(annotation, "__args__", ())
    return (
        get_origin(annotation) is list
        and len(arguments) == 1
        and is_artifact_subclass(arguments[0])
    )


def check_spec_type(type_name: Any) -> None:
    """Check the type of an input or output.

    Raises:
        TypeError: it is neither a parameter's type nor an artifact's.
    """
    name = outer_name(type_name) if isinstance(type_name, str) else type_name
    if isinstance(name, str) and name.startswith("Optional[") and name.endswith("]"):
        name = name[len("Optional[") : -1]
    if isinstance(name, (str, int)) and name in _SPEC_NAMES:
        return
    title, _, version = str(type_name).partition("@")
    if not isinstance(type_name, str) or not title or not version or "@" in version:
        raise TypeError(
            f"{type_name!r} is not a type that an input or output can have. A parameter is a str, "
            "int, float, bool, list or dict; as an input, not as an output, also in Optional[...]. "
            "An artifact has a class such as Input[Dataset]."
        )
    if title.count(".") != 1:
        raise TypeError(
            "The schema_title of an artifact has a namespace and a name, with a `.` between them. "
            f"Got: {title}"
        )
    if title.split(".")[0] not in ("system", "google"):
        raise TypeError(
            f"The namespace of an artifact's schema_title is `system` or `google`. Got: {title}"
        )
    if version.count(".") != 2:
        raise TypeError(
            f"The schema_version of an artifact has three parts, such as 0.0.1. Got: {version}"
        )


def annotation_name(annotation: Any) -> Any:
    """The name of an annotation's type: as the class above names it, or as it is written."""
    if not annotation or annotation is inspect.Parameter.empty:
        return None
    if hasattr(annotation, "to_dict"):
        annotation = annotation.to_dict()
    if isinstance(annotation, dict):
        return annotation
    origin = get_origin(annotation)
    if origin in (list, dict):
        return _generic_name(annotation, origin)
    if isinstance(annotation, type):
        name = _PYTHON_TYPES.get(annotation)
        if name:
            return name
        return str(getattr(annotation, "schema_title", annotation.__name__))
    if hasattr(annotation, "__forward_arg__"):
        return str(annotation.__forward_arg__)
    return str(annotation)


def _generic_name(annotation: Any, origin: Any) -> str:
    if getattr(annotation, "__module__", None) in ("typing", "typing_extensions"):
        return str(annotation)
    inner = [annotation_name(each) or str(each) for each in get_args(annotation)]
    name = _PYTHON_TYPES[origin]
    return f"{name}[{', '.join(inner)}]" if inner else name


def constant_type(value: Any) -> str:
    """The type of a constant.

    Raises:
        ValueError: a parameter cannot be this.
    """
    name = _PYTHON_TYPES.get(type(value))
    if name:
        return name
    if isinstance(value, artifacts.Artifact):
        raise ValueError(
            "Input artifacts are not supported as constants. Got an artifact of type "
            f"{type(value).__name__!r}; pass a task's output, or bring it in by dsl.importer."
        )
    raise ValueError(
        f"Constant argument inputs must be one of type {list(_PYTHON_TYPES.values())}. "
        f"Got: {value!r} of type {type(value)!r}."
    )


def check_compatible(
    given: tuple[Any, bool], expected: tuple[Any, bool], subject: str, is_output: bool = False
) -> None:
    """Check that a value fits. Both types come with whether they are a list of artifacts.

    Raises:
        InconsistentTypeException: it does not fit.
    """
    given_type, given_list = given
    expected_type, expected_list = expected
    given_parameter, expected_parameter = (
        is_parameter(_text(given_type)),
        is_parameter(expected_type),
    )
    if given_parameter:
        given_type, given_list = ir_type(given_type), False
    if expected_parameter:
        expected_type, expected_list = ir_type(expected_type), False
    if given_parameter == expected_parameter:
        if given_parameter:
            if given_type == expected_type:
                return
        elif given_list == expected_list and _artifacts_fit(given_type, expected_type):
            return
    has = f"List[{given_type}]" if given_list else given_type
    wants = f"List[{expected_type}]" if expected_list else expected_type
    raise InconsistentTypeException(
        f"{subject}Output of type {has!r} cannot be surfaced as pipeline output type {wants!r}"
        if is_output
        else f"{subject}Argument type {has!r} is incompatible with the input type {wants!r}"
    )


def _text(type_name: Any) -> str:
    return type_name if isinstance(type_name, str) else json.dumps(type_name)


def _artifacts_fit(given: str, expected: str) -> bool:
    given_title, given_version = given.split("@")
    expected_title, expected_version = expected.split("@")
    if "system.Artifact" in (given_title, expected_title):
        return True
    return (
        given_title == expected_title
        and given_version.split(".")[0] == expected_version.split(".")[0]
    )

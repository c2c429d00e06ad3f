"""The types of inputs and outputs: their names, and their compatibility.

A parameter type is named `String`, `Integer`, `Float`, `Boolean`, `List`, `Dict` or like an
annotation such as ``typing.List[str]``; an artifact type by its schema title and version, such as
``system.Model@0.0.1``.
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
"""The Python types of parameter values."""

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

NAMES_BY_IR_TYPE = {
    "STRING": "String",
    "NUMBER_INTEGER": "Integer",
    "NUMBER_DOUBLE": "Float",
    "LIST": "List",
    "STRUCT": "Dict",
    "BOOLEAN": "Boolean",
    "TASK_FINAL_STATUS": FINAL_STATUS,
    "TASK_CONFIG": TASK_CONFIG,
}
"""The names of parameter types in component specifications, by the IR's names."""
_SPEC_NAMES = frozenset(NAMES_BY_IR_TYPE.values())
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
    """A type's name without module and arguments: `List` for ``typing.List[int]``."""
    match = _SHORT.match(type_name)
    return match["type"] if match else type_name


def outer_name(type_name: str) -> str:
    """The name of a list or dict type without its arguments; other names unchanged."""
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
    """The IR's name of a parameter type; None when it is not one. Types whose values the run fills
    in are STRUCT."""
    if type_name in (FINAL_STATUS, TASK_CONFIG):
        return "STRUCT"
    if type(type_name) is type:
        type_name = type_name.__name__
    elif isinstance(type_name, dict):
        type_name = next(iter(type_name))
    return PARAMETER_TYPES.get(short_name(str(type_name)).lower())


def bundle(schema_title: str, schema_version: str | None = None) -> str:
    """The name of an artifact type, from its schema title and version."""
    return f"{schema_title}@{schema_version or SCHEMA_VERSION}"


def schema(bundled: str) -> dict[str, str]:
    """The IR's `artifactType` for a name that `bundle` returned."""
    title, version = bundled.split("@")
    return {"schemaTitle": title, "schemaVersion": version}


def is_artifact_class(value: Any) -> bool:
    """Whether it has a schema title and version, as every artifact class has."""
    return hasattr(value, "schema_title") and hasattr(value, "schema_version")


def is_artifact_subclass(value: Any) -> bool:
    """Whether it is `Artifact` or a subclass of it."""
    return type(value) is type and issubclass(value, artifacts.Artifact)


def is_artifact_list(annotation: Any) -> bool:
    """Whether it is a list of an artifact class, such as ``List[Dataset]``."""
    arguments: tuple[Any, ...] = getattr(annotation, "__args__", ())
    return (
        get_origin(annotation) is list
        and len(arguments) == 1
        and is_artifact_subclass(arguments[0])
    )


def check_spec_type(type_name: Any) -> None:
    """Check the type of an input or output.

    Raises:
        TypeError: It is neither a parameter type nor an artifact type.
    """
    name = outer_name(type_name) if isinstance(type_name, str) else type_name
    if isinstance(name, str) and name.startswith("Optional[") and name.endswith("]"):
        name = name[len("Optional[") : -1]
    if isinstance(name, (str, int)) and name in _SPEC_NAMES:
        return
    title, _, version = str(type_name).partition("@")
    if not isinstance(type_name, str) or not title or not version or "@" in version:
        raise TypeError(
            f"{type_name!r} is not a type that an input or output can have. Annotate a parameter "
            "with str, int, float, bool, list or dict (an input, but not an output, also with "
            "Optional[...] of these), and an artifact with its class, such as Input[Dataset]."
        )
    if title.count(".") != 1:
        raise TypeError(
            "The schema_title of an artifact must be a namespace and a name, separated by a `.`. "
            f"Got: {title}"
        )
    if title.split(".")[0] not in ("system", "google"):
        raise TypeError(
            "The namespace of an artifact's schema_title must be `system` or `google`. "
            f"Got: {title}"
        )
    if version.count(".") != 2:
        raise TypeError(
            "The schema_version of an artifact must have three parts, such as 0.0.1. "
            f"Got: {version}"
        )


def annotation_name(annotation: Any) -> Any:
    """The type name of an annotation: the name of a known type, otherwise the annotation's text."""
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
    """The type name of a constant.

    Raises:
        ValueError: A parameter cannot have this type.
    """
    name = _PYTHON_TYPES.get(type(value))
    if name:
        return name
    if isinstance(value, artifacts.Artifact):
        raise ValueError(
            "Input artifacts are not supported as constants. Got an artifact of type "
            f"{type(value).__name__!r}; pass a task's output, or import it with dsl.importer."
        )
    raise ValueError(
        f"Constant argument inputs must be one of type {list(_PYTHON_TYPES.values())}. "
        f"Got: {value!r} of type {type(value)!r}."
    )


def check_compatible(
    given: tuple[Any, bool], expected: tuple[Any, bool], subject: str, is_output: bool = False
) -> None:
    """Check that a value of one type can be used as another type.

    Args:
        given: The value's type, and whether it is a list of artifacts.
        expected: The required type, and whether it is a list of artifacts.
        subject: The beginning of the error message.
        is_output: Whether the value is an output of a pipeline.

    Raises:
        InconsistentTypeException: The types are not compatible.
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

"""Reads the interfaces of version 1 pipelines from functions with untyped parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from headrace.authoring import docstrings
from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, InputSpec
from headrace.step.dsl import (
    PIPELINE_JOB_ID_PLACEHOLDER,
    PIPELINE_TASK_ID_PLACEHOLDER,
)
from headrace.v1.argo_placeholders import translate
from headrace.v1.refused import refuse

PipelineParam = PipelineParameterChannel
RUN_ID_PLACEHOLDER = PIPELINE_JOB_ID_PLACEHOLDER
"""The run's id, for use in strings and in defaults of the pipeline's parameters."""
EXECUTION_ID_PLACEHOLDER = f"{PIPELINE_JOB_ID_PLACEHOLDER}-{PIPELINE_TASK_ID_PLACEHOLDER}"
"""The ids of the run and the task, for use in strings."""
_RUN_ID_MACRO = "[[RunUUID]]"
"""The API replaces this text by the run's id in the parameters of a run."""
_EMPTY = inspect.Parameter.empty


def pipeline_spec(
    function: Callable[..., Any], description: str | None, name: str | None
) -> ComponentSpec:
    """The specification of a pipeline: a parameter without annotation has the type of its default,
    or String.

    Raises:
        ValueError: A default has a type that no parameter can have.
        NotInIRError: A default contains a placeholder that has no value before a task starts.
    """
    text = inspect.getdoc(function)
    docstring = docstrings.parse(text)
    inputs: dict[str, InputSpec] = {}
    for key, parameter in inspect.signature(function).parameters.items():
        inputs[key] = _input(parameter)
        inputs[key].description = docstring.parameters.get(key)
    return ComponentSpec(
        name=name or function.__name__,
        inputs=inputs,
        description=description or docstring.description,
    )


def _input(parameter: inspect.Parameter) -> InputSpec:
    annotated = types.annotation_name(parameter.annotation)
    kind = annotated if types.is_parameter(annotated) else None
    default = parameter.default
    if default is _EMPTY:
        return InputSpec(kind or "String")
    if default is None:
        return InputSpec(kind or "String", optional=True)
    kind = kind or types.constant_type(default)
    return InputSpec(kind, default=_at_submission(parameter.name, default), optional=True)


def _at_submission(name: str, default: Any) -> Any:
    if not isinstance(default, str):
        return default
    text = translate(default).replace(RUN_ID_PLACEHOLDER, _RUN_ID_MACRO)
    if "{{$." in text:
        refuse(
            f"The default {default!r} of the parameter {name!r}",
            "In defaults only dsl.RUN_ID_PLACEHOLDER has a value; use other placeholders in the "
            "arguments of ops.",
        )
    return text

"""Validates the inputs and outputs of tasks: sources, types of constants, loops, policies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headrace_contracts.ir.expressions import ExpressionError, check_condition, check_selector
from headrace_contracts.ir.models import (
    Component,
    Dag,
    DagOutputs,
    Node,
    ParameterIterator,
    PipelineSpec,
    Task,
    TaskInputArtifact,
    TaskInputParameter,
)
from headrace_contracts.ir.parameters import PARAMETER_TYPES, ParameterError, convert, seconds

_PARAMETER_SOURCES = (
    "task_output_parameter",
    "runtime_value",
    "component_input_parameter",
    "task_final_status",
)
_OUTPUT_SOURCES = ("value_from_parameter", "value_from_oneof")
_ARTIFACT_SOURCES = ("task_output_artifact", "component_input_artifact")
_STRATEGIES = (
    "",
    "TRIGGER_STRATEGY_UNSPECIFIED",
    "ALL_UPSTREAM_TASKS_SUCCEEDED",
    "ALL_UPSTREAM_TASKS_COMPLETED",
)

LOOP_ITEM = "loop-item"
"""Part of the name of a parameter that holds a loop's item, or a part of one. The compiler of kfp
2.17 does not pass such a parameter to inner DAGs if only a string refers to it; it is then looked
up in the enclosing loops."""

Fault = tuple[str, str]


def task_faults(
    place: str, task: Task, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[Fault]:
    """The faults in a task's inputs, loop and policies. `owner` is the component whose DAG contains
    the task. A parameter that the task's component does not declare is permitted: strings of the
    task (a constant, an image, a resource) may refer to it."""
    component = spec.components.get(task.component_ref.name)
    for name, parameter in task.inputs.parameters.items():
        where = f"{place}.inputs.parameters[{name}]"
        yield from _parameter_faults(where, parameter, owner, dag, spec)
        if component:
            yield from _constant_faults(where, name, parameter, component)
    for name, artifact in task.inputs.artifacts.items():
        where = f"{place}.inputs.artifacts[{name}]"
        if component and name not in component.input_definitions.artifacts:
            yield where, f"component {task.component_ref.name!r} has no such input artifact"
        yield from _artifact_faults(where, artifact, owner, dag, spec)
    if component:
        yield from _unbound(place, task, component)
        yield from _loop_faults(place, task, component)
    yield from _policy_faults(place, task)


def output_faults(place: str, outputs: DagOutputs, dag: Dag, spec: PipelineSpec) -> Iterator[Fault]:
    """The faults in a DAG's outputs."""
    for name, parameter in outputs.parameters.items():
        where = f"{place}.parameters[{name}]"
        yield from _source_faults(where, parameter, _OUTPUT_SOURCES)
        if parameter.value_from_oneof is not None and not parameter.selectors:
            yield where, "has no source"
        for selected in parameter.selectors:
            key = selected.output_parameter_key
            yield from _selected(where, "parameter", selected.producer_subtask, key, dag, spec)
    for name, artifact in outputs.artifacts.items():
        where = f"{place}.artifacts[{name}]"
        if not artifact.artifact_selectors:
            yield where, "has no source"
        for source in artifact.artifact_selectors:
            key = source.output_artifact_key
            yield from _selected(where, "artifact", source.producer_subtask, key, dag, spec)


def _selected(
    place: str, kind: str, producer: str, key: str, dag: Dag, spec: PipelineSpec
) -> Iterator[Fault]:
    if producer not in dag.tasks:
        yield place, f"refers to task {producer!r}, which is not in this DAG"
    else:
        yield from _producer_faults(place, kind, producer, key, dag, spec)


def _unbound(place: str, task: Task, component: Component) -> Iterator[Fault]:
    inputs = component.input_definitions
    for name, definition in inputs.parameters.items():
        required = not definition.is_optional and definition.default_value is None
        filled = name == task.item_input or definition.parameter_type == "TASK_CONFIG"
        if required and name not in task.inputs.parameters and not filled:
            yield f"{place}.inputs.parameters", f"the required input {name!r} is missing"
    for name, artifact in inputs.artifacts.items():
        given = name in task.inputs.artifacts or name == task.item_input
        if not artifact.is_optional and not given:
            yield f"{place}.inputs.artifacts", f"the required input {name!r} is missing"


def _parameter_faults(
    place: str, parameter: TaskInputParameter, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[Fault]:
    yield from _source_faults(place, parameter, _PARAMETER_SOURCES)
    if parameter.task_output_parameter is not None:
        source = parameter.task_output_parameter
        yield from _producer_faults(
            place, "parameter", source.producer_task, source.output_parameter_key, dag, spec
        )
    name = parameter.component_input_parameter
    if parameter.runtime_value is not None and name is None:
        name = parameter.runtime_value.runtime_parameter
    missing = name is not None and name not in owner.input_definitions.parameters
    if missing and LOOP_ITEM not in (name or ""):
        yield place, f"there is no input parameter {name!r}"
    if parameter.parameter_expression_selector:
        try:
            check_selector(parameter.parameter_expression_selector)
        except ExpressionError as error:
            yield f"{place}.parameterExpressionSelector", str(error)


def _constant_faults(
    place: str, name: str, parameter: TaskInputParameter, component: Component
) -> Iterator[Fault]:
    """The fault of a constant that does not match the type of the component's input. A constant
    with a placeholder is not known before the run."""
    definition = component.input_definitions.parameters.get(name)
    value = None if parameter.runtime_value is None else parameter.runtime_value.constant
    if definition is None or value is None or parameter.parameter_expression_selector:
        return
    if definition.parameter_type not in PARAMETER_TYPES or component.dag is not None:
        return
    if isinstance(value, str) and "{{$" in value:
        return
    try:
        convert(value, definition.parameter_type)
    except ParameterError as error:
        yield f"{place}.runtimeValue.constant", str(error)


def _artifact_faults(
    place: str, artifact: TaskInputArtifact, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[Fault]:
    yield from _source_faults(place, artifact, _ARTIFACT_SOURCES)
    if artifact.task_output_artifact is not None:
        source = artifact.task_output_artifact
        yield from _producer_faults(
            place, "artifact", source.producer_task, source.output_artifact_key, dag, spec
        )
    name = artifact.component_input_artifact
    if name is not None and name not in owner.input_definitions.artifacts:
        yield place, f"there is no input artifact {name!r}"


def _source_faults(place: str, binding: Node, sources: tuple[str, ...]) -> Iterator[Fault]:
    given = [source for source in sources if getattr(binding, source) is not None]
    if len(given) != 1:
        yield place, "has more than one source" if given else "has no source"


def _producer_faults(
    place: str, kind: str, producer: str, key: str, dag: Dag, spec: PipelineSpec
) -> Iterator[Fault]:
    task = dag.tasks.get(producer)
    component = spec.components.get(task.component_ref.name) if task else None
    if component is None:
        return  # the missing task or component is reported elsewhere
    outputs = component.output_definitions
    known: Mapping[str, object] = outputs.parameters if kind == "parameter" else outputs.artifacts
    if key not in known:
        yield place, f"task {producer!r} has no output {kind} {key!r}"


def _loop_faults(place: str, task: Task, component: Component) -> Iterator[Fault]:
    if task.parameter_iterator is not None and task.artifact_iterator is not None:
        yield place, "a loop must iterate over either parameters or artifacts, not both"
    if task.iterator_policy.parallelism_limit < 0:
        yield f"{place}.iteratorPolicy.parallelismLimit", "must not be negative"
    if task.parameter_iterator is not None:
        yield from _parameter_loop_faults(
            f"{place}.parameterIterator", task.parameter_iterator, task, component
        )
    elif task.artifact_iterator is not None:
        where, iterator = f"{place}.artifactIterator", task.artifact_iterator
        if iterator.item_input not in component.input_definitions.artifacts:
            yield f"{where}.itemInput", f"there is no input artifact {iterator.item_input!r}"
        if iterator.items.input_artifact not in task.inputs.artifacts:
            given = iterator.items.input_artifact
            yield f"{where}.items.inputArtifact", f"the task has no input artifact {given!r}"


def _parameter_loop_faults(
    place: str, iterator: ParameterIterator, task: Task, component: Component
) -> Iterator[Fault]:
    if iterator.item_input not in component.input_definitions.parameters:
        yield f"{place}.itemInput", f"there is no input parameter {iterator.item_input!r}"
    items = iterator.items
    if (items.raw is None) == (items.input_parameter is None):
        yield f"{place}.items", "must have exactly one of raw and inputParameter"
    elif items.input_parameter is not None:
        if items.input_parameter not in task.inputs.parameters:
            given = items.input_parameter
            yield f"{place}.items.inputParameter", f"the task has no input parameter {given!r}"
    elif not isinstance(_json(items.raw), list):
        yield f"{place}.items.raw", "must be a JSON list"


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _policy_faults(place: str, task: Task) -> Iterator[Fault]:
    policy = task.retry_policy
    if policy is not None:
        if policy.max_retry_count < 0:
            yield f"{place}.retryPolicy.maxRetryCount", "must not be negative"
        if (policy.backoff_factor or 0) < 0:
            yield f"{place}.retryPolicy.backoffFactor", "must not be negative"
        for name, text in (
            ("backoffDuration", policy.backoff_duration),
            ("backoffMaxDuration", policy.backoff_max_duration),
        ):
            try:
                seconds(text or "0s")
            except ParameterError as error:
                yield f"{place}.retryPolicy.{name}", str(error)
    if task.trigger_policy.strategy not in _STRATEGIES:
        strategy = task.trigger_policy.strategy
        yield f"{place}.triggerPolicy.strategy", f"unknown strategy {strategy!r}"
    if task.trigger_policy.condition:
        try:
            check_condition(task.trigger_policy.condition)
        except ExpressionError as error:
            yield f"{place}.triggerPolicy.condition", str(error)

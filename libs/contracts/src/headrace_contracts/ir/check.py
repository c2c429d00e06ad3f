"""Validates a spec: names, references and graphs. `models` validates its form, `bindings` the
inputs and outputs of tasks. A valid spec can be planned without further checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.bindings import Fault, output_faults, task_faults
from headrace_contracts.ir.graph import dependencies
from headrace_contracts.ir.models import Component, Dag, PipelineSpec
from headrace_contracts.ir.parameters import PARAMETER_TYPES

MAX_NESTING = 64
"""DAGs within DAGs. Written pipelines have a few levels; more indicates a fault in a generator."""
MAX_KEY = 128
MAX_PATH = 2000
"""Bytes of a task's path in the run's graph; limited by the size of an index entry in Postgres."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_NAME = 128


def faults_of(spec: PipelineSpec) -> list[Rejection]:
    """All faults of the spec in the order of its text; empty if it is valid."""
    return [
        Rejection(code=RejectionCode.INVALID_SPEC, message=message, field=place)
        for place, message in _faults(spec)
    ]


def _faults(spec: PipelineSpec) -> Iterator[Fault]:
    name = spec.pipeline_info.name
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        yield (
            "pipelineInfo.name",
            f"{name!r} is not a valid pipeline name: use lower-case letters, digits and hyphens, "
            f"at most {_MAX_NAME} characters",
        )
    if spec.root.dag is None:
        yield "root.dag", "is missing: the root of a pipeline must be a DAG"
    yield from _component_faults("root", spec.root, spec)
    for key, component in spec.components.items():
        yield from _component_faults(f"components[{key}]", component, spec)
    yield from _nesting_faults(spec)


def _component_faults(place: str, component: Component, spec: PipelineSpec) -> Iterator[Fault]:
    for side, definitions in (
        ("inputDefinitions", component.input_definitions),
        ("outputDefinitions", component.output_definitions),
    ):
        for name, parameter in definitions.parameters.items():
            if parameter.parameter_type not in PARAMETER_TYPES:
                where = f"{place}.{side}.parameters[{name}].parameterType"
                yield where, f"{parameter.parameter_type!r} is not a valid parameter type"
    if component.dag is not None:
        yield from _dag_faults(f"{place}.dag", component, component.dag, spec)
    elif component.executor_label is None:
        yield place, "has neither a dag nor an executorLabel"
    elif component.executor_label not in spec.deployment_spec.executors:
        yield (
            f"{place}.executorLabel",
            f"there is no executor {component.executor_label!r} in deploymentSpec.executors",
        )
    elif (executor := spec.deployment_spec.executors[component.executor_label]).importer:
        outputs = component.output_definitions.artifacts
        if len(outputs) != 1:
            yield f"{place}.outputDefinitions", "an importer must have exactly one output artifact"
        uri = executor.importer.artifact_uri.runtime_parameter
        if uri is not None and uri not in component.input_definitions.parameters:
            yield f"{place}.inputDefinitions", f"the importer's URI, {uri!r}, is not an input"


def _dag_faults(place: str, component: Component, dag: Dag, spec: PipelineSpec) -> Iterator[Fault]:
    if not dag.tasks:
        yield f"{place}.tasks", "is empty: a DAG must have at least one task"
    for key, task in dag.tasks.items():
        where = f"{place}.tasks[{key}]"
        if not 0 < len(key) <= MAX_KEY or "/" in key or not key.isprintable():
            yield where, f"invalid task key: use 1 to {MAX_KEY} printable characters without '/'"
        if task.component_ref.name not in spec.components:
            yield f"{where}.componentRef.name", f"there is no component {task.component_ref.name!r}"
        for name in sorted(dependencies(task) - dag.tasks.keys()):
            yield where, f"depends on task {name!r}, which is not in this DAG"
        if key in dependencies(task):
            yield where, "depends on itself"
        yield from task_faults(where, task, component, dag, spec)
    graph = {key: dependencies(task) & dag.tasks.keys() for key, task in dag.tasks.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        yield f"{place}.tasks", f"the tasks depend on each other in a cycle: {cycle}"
    yield from output_faults(f"{place}.outputs", dag.outputs, dag, spec)


def _nesting_faults(spec: PipelineSpec) -> Iterator[Fault]:
    """The fault of DAGs that contain themselves or are nested too deeply."""
    below = {
        key: {
            task.component_ref.name
            for task in component.dag.tasks.values()
            if task.component_ref.name in spec.components
        }
        for key, component in spec.components.items()
        if component.dag is not None
    }
    try:
        order = list(TopologicalSorter(below).static_order())
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        yield "components", f"the components contain each other in a cycle: {cycle}"
        return
    depth: dict[str, int] = {}
    for key in order:
        if key in below:
            depth[key] = 1 + max((depth.get(other, 0) for other in below[key]), default=0)
        if depth.get(key, 0) > MAX_NESTING:
            yield f"components[{key}]", f"its DAGs are nested deeper than {MAX_NESTING} levels"
            return
    yield from _path_faults(order, spec)


def _path_faults(order: list[str], spec: PipelineSpec) -> Iterator[Fault]:
    """The fault of tasks with too long a path. `order` lists inner components before outer ones."""
    below: dict[str, int] = {}

    def longest(component: Component) -> int:
        tasks = component.dag.tasks.items() if component.dag else ()
        return max(
            (
                len(key.encode(errors="replace")) + 1 + below.get(task.component_ref.name, 0)
                for key, task in tasks
            ),
            default=0,
        )

    for key in order:
        below[key] = longest(spec.components[key])
    if longest(spec.root) > MAX_PATH:
        yield (
            "root.dag.tasks",
            f"the path of a nested task exceeds {MAX_PATH} bytes; use shorter task names",
        )

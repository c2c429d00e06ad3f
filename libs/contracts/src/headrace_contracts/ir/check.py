"""Is a spec sound? Names, references, graph and bindings; the shape itself is the models' work.

Pure: a spec in, faults out. A sound spec can be planned without a further look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import (
    Component,
    Dag,
    DagOutputs,
    Node,
    PipelineSpec,
    Task,
    TaskInputArtifact,
    TaskInputParameter,
)
from headrace_contracts.ir.parameters import PARAMETER_TYPES

_PARAMETER_SOURCES = (
    "task_output_parameter",
    "runtime_value",
    "component_input_parameter",
    "task_final_status",
)
_OUTPUT_SOURCES = ("value_from_parameter", "value_from_oneof")
_ARTIFACT_SOURCES = ("task_output_artifact", "component_input_artifact")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_NAME = 128


def faults_of(spec: PipelineSpec) -> list[Rejection]:
    """Everything that is wrong with the spec, in reading order; empty when it is sound."""
    return [
        Rejection(code=RejectionCode.INVALID_SPEC, message=message, field=place)
        for place, message in _faults(spec)
    ]


def dependencies(task: Task) -> set[str]:
    """The sibling tasks that must end before this one can run, named or implied by its inputs."""
    names = set(task.dependent_tasks)
    for parameter in task.inputs.parameters.values():
        if parameter.task_output_parameter:
            names.add(parameter.task_output_parameter.producer_task)
        if parameter.task_final_status:
            names.add(parameter.task_final_status.producer_task)
    for artifact in task.inputs.artifacts.values():
        if artifact.task_output_artifact:
            names.add(artifact.task_output_artifact.producer_task)
    return names


_Fault = tuple[str, str]


def _faults(spec: PipelineSpec) -> Iterator[_Fault]:
    name = spec.pipeline_info.name
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        yield (
            "pipelineInfo.name",
            f"{name!r} is not a pipeline name: lower-case letters, digits and hyphens, "
            f"at most {_MAX_NAME}",
        )
    if spec.root.dag is None:
        yield "root.dag", "is missing: the root of a pipeline is a DAG"
    yield from _component_faults("root", spec.root, spec)
    for key, component in spec.components.items():
        yield from _component_faults(f"components[{key}]", component, spec)


def _component_faults(place: str, component: Component, spec: PipelineSpec) -> Iterator[_Fault]:
    for side, definitions in (
        ("inputDefinitions", component.input_definitions),
        ("outputDefinitions", component.output_definitions),
    ):
        for name, parameter in definitions.parameters.items():
            if parameter.parameter_type not in PARAMETER_TYPES:
                where = f"{place}.{side}.parameters[{name}].parameterType"
                yield where, f"{parameter.parameter_type!r} is not a parameter type"
    if component.dag is not None:
        yield from _dag_faults(f"{place}.dag", component, component.dag, spec)
    elif component.executor_label is None:
        yield place, "has neither a dag nor an executorLabel"
    elif component.executor_label not in spec.deployment_spec.executors:
        yield (
            f"{place}.executorLabel",
            f"there is no executor {component.executor_label!r} in deploymentSpec.executors",
        )


def _dag_faults(place: str, component: Component, dag: Dag, spec: PipelineSpec) -> Iterator[_Fault]:
    if not dag.tasks:
        yield f"{place}.tasks", "is empty: a DAG has at least one task"
    for key, task in dag.tasks.items():
        yield from _task_faults(f"{place}.tasks[{key}]", key, task, component, dag, spec)
    graph = {key: dependencies(task) & dag.tasks.keys() for key, task in dag.tasks.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        yield f"{place}.tasks", f"the tasks wait for each other in a cycle: {cycle}"
    yield from _output_faults(f"{place}.outputs", dag.outputs, dag, spec)


def _task_faults(
    place: str, key: str, task: Task, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[_Fault]:
    component = spec.components.get(task.component_ref.name)
    if component is None:
        yield f"{place}.componentRef.name", f"there is no component {task.component_ref.name!r}"
    for name in sorted(dependencies(task) - dag.tasks.keys()):
        yield place, f"depends on task {name!r}, which is not in this DAG"
    if key in dependencies(task):
        yield place, "depends on itself"
    for name, parameter in task.inputs.parameters.items():
        where = f"{place}.inputs.parameters[{name}]"
        if component and not _accepts(component.input_definitions.parameters, name):
            yield where, f"component {task.component_ref.name!r} has no such input parameter"
        yield from _parameter_faults(where, parameter, owner, dag, spec)
    for name, artifact in task.inputs.artifacts.items():
        where = f"{place}.inputs.artifacts[{name}]"
        if component and name not in component.input_definitions.artifacts:
            yield where, f"component {task.component_ref.name!r} has no such input artifact"
        yield from _artifact_faults(where, artifact, owner, dag, spec)
    if component:
        yield from _unbound(place, task, component)


def _accepts(declared: Mapping[str, object], name: str) -> bool:
    """A compiler binds what a constant's text refers to as an extra, undeclared channel."""
    return name in declared or name.startswith("pipelinechannel--")


def _unbound(place: str, task: Task, component: Component) -> Iterator[_Fault]:
    inputs = component.input_definitions
    for name, definition in inputs.parameters.items():
        required = not definition.is_optional and definition.default_value is None
        if required and name not in task.inputs.parameters and not _filled_by_loop(task, name):
            yield f"{place}.inputs.parameters", f"the required input {name!r} is not given"
    for name, artifact in inputs.artifacts.items():
        given = name in task.inputs.artifacts or _filled_by_loop(task, name)
        if not artifact.is_optional and not given:
            yield f"{place}.inputs.artifacts", f"the required input {name!r} is not given"


def _filled_by_loop(task: Task, name: str) -> bool:
    iterators = (task.parameter_iterator, task.artifact_iterator)
    return any(iterator.get("itemInput") == name for iterator in iterators if iterator)


def _parameter_faults(
    place: str, parameter: TaskInputParameter, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[_Fault]:
    yield from _source_faults(place, parameter, _PARAMETER_SOURCES)
    if parameter.task_output_parameter is not None:
        source = parameter.task_output_parameter
        yield from _producer_faults(
            place, "parameter", source.producer_task, source.output_parameter_key, dag, spec
        )
    name = parameter.component_input_parameter
    if name is not None and name not in owner.input_definitions.parameters:
        yield place, f"there is no input parameter {name!r}"


def _artifact_faults(
    place: str, artifact: TaskInputArtifact, owner: Component, dag: Dag, spec: PipelineSpec
) -> Iterator[_Fault]:
    yield from _source_faults(place, artifact, _ARTIFACT_SOURCES)
    if artifact.task_output_artifact is not None:
        source = artifact.task_output_artifact
        yield from _producer_faults(
            place, "artifact", source.producer_task, source.output_artifact_key, dag, spec
        )
    name = artifact.component_input_artifact
    if name is not None and name not in owner.input_definitions.artifacts:
        yield place, f"there is no input artifact {name!r}"


def _source_faults(place: str, binding: Node, sources: tuple[str, ...]) -> Iterator[_Fault]:
    given = [source for source in sources if getattr(binding, source) is not None]
    if len(given) != 1:
        yield place, "has more than one source" if given else "has no source"


def _producer_faults(
    place: str, kind: str, producer: str, key: str, dag: Dag, spec: PipelineSpec
) -> Iterator[_Fault]:
    task = dag.tasks.get(producer)
    component = spec.components.get(task.component_ref.name) if task else None
    if component is None:
        return  # reported where the task or its component is missing
    outputs = component.output_definitions
    known: Mapping[str, object] = outputs.parameters if kind == "parameter" else outputs.artifacts
    if key not in known:
        yield place, f"task {producer!r} has no output {kind} {key!r}"


def _output_faults(
    place: str, outputs: DagOutputs, dag: Dag, spec: PipelineSpec
) -> Iterator[_Fault]:
    for name, parameter in outputs.parameters.items():
        yield from _source_faults(f"{place}.parameters[{name}]", parameter, _OUTPUT_SOURCES)
    for name, artifact in outputs.artifacts.items():
        if not artifact.artifact_selectors:
            yield f"{place}.artifacts[{name}]", "has no source"
    selected = [
        (f"{place}.parameters[{name}]", "parameter", p.value_from_parameter.producer_subtask,
         p.value_from_parameter.output_parameter_key)
        for name, p in outputs.parameters.items()
        if p.value_from_parameter
    ] + [
        (f"{place}.artifacts[{name}]", "artifact", s.producer_subtask, s.output_artifact_key)
        for name, a in outputs.artifacts.items()
        for s in a.artifact_selectors
    ]  # fmt: skip
    for where, kind, producer, key in selected:
        if producer not in dag.tasks:
            yield where, f"names task {producer!r}, which is not in this DAG"
        else:
            yield from _producer_faults(where, kind, producer, key, dag, spec)

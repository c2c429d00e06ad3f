"""What a sound spec says that Headrace does not carry out yet, named so that nothing is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import (
    Component,
    Executor,
    PipelineDocument,
    PipelineSpec,
    Task,
)

_Found = tuple[str, str]


def unsupported(document: PipelineDocument) -> list[Rejection]:
    """The features used in the spec that are refused, in reading order."""
    found = [*_of_spec(document.pipeline_spec), *_of_platform(document), *_unknown(document)]
    return [
        Rejection(
            code=RejectionCode.UNSUPPORTED_FEATURE,
            message=f"{feature} is not supported yet",
            field=place,
        )
        for place, feature in found
    ]


def _of_spec(spec: PipelineSpec) -> Iterator[_Found]:
    for label, executor in spec.deployment_spec.executors.items():
        yield from _of_executor(f"deploymentSpec.executors[{label}]", executor)
    for name, artifact in spec.root.input_definitions.artifacts.items():
        if not artifact.is_optional:
            yield f"root.inputDefinitions.artifacts[{name}]", "an artifact as a pipeline input"
    if spec.root.dag is None:
        return
    for key, task in spec.root.dag.tasks.items():
        component = spec.components[task.component_ref.name]
        yield from _of_task(f"root.dag.tasks[{key}]", task, component)
    for name, output in spec.root.dag.outputs.parameters.items():
        if output.value_from_oneof is not None:
            yield f"root.dag.outputs.parameters[{name}]", "dsl.OneOf"
    for name, selected in spec.root.dag.outputs.artifacts.items():
        if len(selected.artifact_selectors) > 1:
            yield f"root.dag.outputs.artifacts[{name}]", "dsl.OneOf"


def _of_executor(place: str, executor: Executor) -> Iterator[_Found]:
    if executor.importer is not None:
        yield place, "dsl.importer"
    elif executor.container is None:
        yield place, "an executor that is not a container"
    elif not (executor.container.command or executor.container.args):
        yield place, "a container without a command"


def _of_task(place: str, task: Task, component: Component) -> Iterator[_Found]:
    if task.trigger_policy.condition:
        yield place, "a condition (dsl.If)"
    if task.trigger_policy.strategy == "ALL_UPSTREAM_TASKS_COMPLETED":
        yield place, "an exit task or ignore_upstream_failure"
    if task.parameter_iterator is not None or task.artifact_iterator is not None:
        yield place, "a loop (dsl.ParallelFor)"
    elif component.dag is not None:
        yield place, "a nested pipeline"
    if task.retry_policy is not None:
        yield place, "a retry policy (set_retry)"
    for name, parameter in task.inputs.parameters.items():
        where = f"{place}.inputs.parameters[{name}]"
        if parameter.parameter_expression_selector:
            yield where, "an expression selector"
        if parameter.task_final_status is not None:
            yield where, "a task's final status as an input"
        if parameter.runtime_value and parameter.runtime_value.runtime_parameter:
            yield where, "runtimeValue.runtimeParameter"
    for name, artifact in component.output_definitions.artifacts.items():
        if artifact.is_artifact_list:
            yield f"{place} output {name!r}", "a list of artifacts as an output"
    for name, definition in component.input_definitions.parameters.items():
        if definition.parameter_type in ("TASK_FINAL_STATUS", "TASK_CONFIG"):
            yield f"{place} input {name!r}", f"an input of type {definition.parameter_type}"


def _of_platform(document: PipelineDocument) -> Iterator[_Found]:
    if document.platform_spec is None:
        return
    kubernetes = document.platform_spec.platforms.kubernetes
    if kubernetes.pipeline_config:
        yield "platforms.kubernetes.pipelineConfig", "pipelineConfig"


def _unknown(value: Any, place: str = "") -> Iterator[_Found]:
    """Every field that the models do not know: it asks for something, so it is not ignored."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{place}.{name}".lstrip("."), f"the field {name!r}"
        for name, field in type(value).model_fields.items():
            shown = "" if isinstance(value, PipelineDocument) else f".{field.alias or name}"
            yield from _unknown(getattr(value, name), f"{place}{shown}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unknown(item, f"{place}[{key}]")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unknown(item, f"{place}[{index}]")

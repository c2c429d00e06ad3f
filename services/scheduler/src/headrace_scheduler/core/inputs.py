"""Resolves a task's inputs: constants with placeholders, inputs of the enclosing DAG, outputs and
final states of sibling tasks, and the items of loops.

Source of the placeholder names: `kfp.dsl.placeholders` of the KFP SDK. Text is resolved in one
pass, so a value that looks like a placeholder is not resolved again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from headrace_contracts.ir.bindings import LOOP_ITEM
from headrace_contracts.ir.expressions import ExpressionError, apply_selector
from headrace_contracts.ir.models import ContainerSpec, TaskInputArtifact, TaskInputParameter
from headrace_contracts.ir.parameters import ParameterError, convert, whole_numbers
from headrace_contracts.object_keys import run_prefix
from headrace_contracts.states import TaskState
from headrace_contracts.values import Artifact, Inputs

from headrace_scheduler.core.platform import resolve_settings, task_config
from headrace_scheduler.core.run import Node, Run, Scope

_PLACEHOLDER = re.compile(
    r"\{\{\$\.(?:inputs\.parameters\[(?:'([^']*)'|\"([^\"]*)\")\]|([a-z_]+))\}\}"
)
_SUBVAR = "-subvar-"
_FINAL_STATES = {
    TaskState.SUCCEEDED: "COMPLETE",
    TaskState.FAILED: "FAILED",
    TaskState.SKIPPED: "SKIPPED",
    TaskState.CANCELED: "CANCELED",
}
"""The states of KFP's backend, which exit tasks compare with."""
_UNKNOWN = 2
"""google.rpc.Code.UNKNOWN: a step's failure has no code that gRPC knows."""


class InputError(ValueError):
    """An input cannot be resolved; the message names it."""


def task_inputs(run: Run, node: Node) -> Scope:
    """All inputs of the task that have a value, whether its component declares them or not. An
    iteration has the inputs of its loop, and its item.

    Raises:
        InputError: an input cannot be resolved as the spec says.
    """
    if node.record.iteration is not None:
        return _with_item(run, node)
    resolver = _Resolver(run, node)
    inputs = node.plan.task.inputs
    parameters = {
        name: resolver.parameter(name, source) for name, source in inputs.parameters.items()
    }
    artifacts = {name: resolver.artifacts(source) for name, source in inputs.artifacts.items()}
    return Scope(
        {name: value for name, value in parameters.items() if value is not None},
        {name: found for name, found in artifacts.items() if found},
    )


def condition_values(node: Node, given: Scope) -> dict[str, Any]:
    """The parameters that a condition can refer to; one without a value is null."""
    return {**dict.fromkeys(node.plan.task.inputs.parameters), **given.parameters}


def scope_of(run: Run, node: Node) -> Scope:
    """What the tasks inside a running DAG or loop can refer to: its inputs, and the defaults of its
    component."""
    if node.scope is None:
        node.scope = _scope(run, node)
    return node.scope


def _scope(run: Run, node: Node) -> Scope:
    if node.parent is None:
        return Scope(run.submission.parameters)
    definitions = node.plan.component.input_definitions.parameters
    defaults = {
        name: whole_numbers(definition.default_value)
        for name, definition in definitions.items()
        if definition.default_value is not None
    }
    if node.record.iteration is not None:
        given = _with_item(run, node)
    else:
        given = Scope(node.record.inputs.parameters, node.record.inputs.artifacts)
    return Scope({**defaults, **given.parameters}, given.artifacts)


def step_inputs(run: Run, node: Node, given: Scope) -> Inputs:
    """The declared inputs of a step, converted to their types. An optional input without a value is
    absent.

    Raises:
        InputError: a required value is missing, or does not fit its type.
    """
    definitions = node.plan.component.input_definitions
    parameters: dict[str, Any] = {}
    for name, definition in definitions.parameters.items():
        value = given.parameters.get(name)
        if value is None and definition.parameter_type == "TASK_CONFIG":
            value = task_config(node.plan)
        if value is None:
            if not definition.is_optional and definition.default_value is None:
                raise InputError(f"the required input parameter {name!r} has no value")
            continue
        try:
            parameters[name] = convert(value, definition.parameter_type)
        except ParameterError as error:
            raise InputError(f"input parameter {name!r}: {error}") from None
    for name, artifact in definitions.artifacts.items():
        if name not in given.artifacts and not artifact.is_optional:
            raise InputError(f"the required input artifact {name!r} does not exist")
    artifacts = {
        name: found for name, found in given.artifacts.items() if name in definitions.artifacts
    }
    return Inputs(parameters=parameters, artifacts=artifacts)


def step_container(run: Run, node: Node, given: Scope) -> ContainerSpec:
    """The step's container, with placeholders in its image, environment and resources resolved.
    Those in its command and arguments are resolved by the executor.
    """
    container = node.plan.container
    assert container is not None
    texts = [container.image, *(variable.value for variable in container.env)]
    if "{{$" not in json.dumps([*texts, container.resources]):
        return container
    fill = _Resolver(run, node, given).fill
    return container.model_copy(
        update={
            "image": fill(container.image),
            "env": tuple(v.model_copy(update={"value": fill(v.value)}) for v in container.env),
            "resources": fill(container.resources),
        }
    )


def step_platform(run: Run, node: Node, given: Scope) -> dict[str, Any]:
    """The step's platform settings, with values in place of references to parameters.

    Raises:
        InputError: a parameter cannot be resolved.
    """
    resolver = _Resolver(run, node, given)

    def value_of(name: str, source: dict[str, Any]) -> Any:
        return resolver.parameter(name, TaskInputParameter.model_validate(source))

    return resolve_settings(node.plan.platform, value_of)


def import_source(run: Run, node: Node, given: Scope) -> tuple[str, dict[str, Any]]:
    """The URI and the metadata that an importer imports.

    Raises:
        InputError: the URI has no value, or is not a string.
    """
    importer = node.plan.importer
    assert importer is not None
    resolver = _Resolver(run, node, given)
    uri: Any = importer.artifact_uri.constant
    name = importer.artifact_uri.runtime_parameter
    if name is not None:
        uri = given.parameters.get(name)
        definition = node.plan.component.input_definitions.parameters.get(name)
        if uri is None and definition is not None:
            uri = definition.default_value
    uri = resolver.fill(uri)
    if not isinstance(uri, str) or not uri:
        fault = "is empty" if uri in (None, "") else f"is not a string: {json.dumps(uri)}"
        raise InputError(f"the URI to import {fault}")
    return uri, resolver.fill(whole_numbers(importer.metadata))


def items_of(run: Run, node: Node) -> list[Any]:
    """The items of a running loop: parameter values, or artifacts.

    Raises:
        InputError: they are not a list.
    """
    if node.items is None:
        node.items = _items(run, node, scope_of(run, node))
    return node.items


def _items(run: Run, node: Node, scope: Scope) -> list[Any]:
    artifact_loop = node.plan.task.artifact_iterator
    if artifact_loop is not None:
        return list(scope.artifacts.get(artifact_loop.items.input_artifact, ()))
    parameter_loop = node.plan.task.parameter_iterator
    assert parameter_loop is not None
    source = parameter_loop.items
    if source.raw is not None:
        items = whole_numbers(json.loads(source.raw))
        return list(_Resolver(run, node, scope).fill(items))
    value = scope.parameters.get(source.input_parameter or "")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, list):
        raise InputError(f"the loop's items, {source.input_parameter!r}, are not a list")
    return list(whole_numbers(value))


def item_scope(node: Node, item: Any) -> Inputs:
    """The input that holds an iteration's item."""
    name = node.plan.task.item_input
    assert name is not None
    if node.plan.task.artifact_iterator is not None:
        return Inputs(artifacts={name: (item,)})
    return Inputs(parameters={name: item})


def resource_name(run: Run) -> str:
    """The resource name of the run: the pipeline's name and the end of the run's id."""
    return f"{run.plan.pipeline_name}-{run.run_id.hex[-5:]}"


def final_status(run: Run, node: Node) -> dict[str, Any]:
    """How a task ended, as KFP's PipelineTaskFinalStatus."""
    failure = node.record.failure
    return {
        "state": _FINAL_STATES.get(node.record.state, node.record.state.value),
        "pipelineTaskName": node.record.name,
        "pipelineJobResourceName": resource_name(run),
        "pipelineJobUuid": str(run.run_id),
        "error": {} if failure is None else {"code": _UNKNOWN, "message": failure.message},
    }


def _with_item(run: Run, node: Node) -> Scope:
    assert node.parent is not None
    loop, item = scope_of(run, node.parent), node.record.inputs
    return Scope({**loop.parameters, **item.parameters}, {**loop.artifacts, **item.artifacts})


class _Resolver:
    """Resolves the inputs of one task; detects inputs that refer to themselves."""

    def __init__(self, run: Run, node: Node, given: Scope | None = None) -> None:
        """`given` are the inputs of the task, if they are already resolved."""
        self._run = run
        self._node = node
        self._given = given
        self._texts: Mapping[str, str] | None = None
        self._open: list[str] = []

    def parameter(self, name: str, source: TaskInputParameter) -> Any:
        """The value of an input; None if it has none."""
        value = self._value(name, source)
        if value is None or not source.parameter_expression_selector:
            return value
        try:
            return apply_selector(source.parameter_expression_selector, value)
        except ExpressionError as error:
            raise InputError(f"input parameter {name!r}: {error}") from None

    def artifacts(self, source: TaskInputArtifact) -> tuple[Artifact, ...]:
        """The artifacts of an input; empty if it has none."""
        if source.task_output_artifact is not None:
            produced = source.task_output_artifact
            outputs = self._sibling(produced.producer_task).record.outputs
            return outputs.artifacts.get(produced.output_artifact_key, ())
        return self._outer.artifacts.get(source.component_input_artifact or "", ())

    def fill(self, value: Any) -> Any:
        """The value with all placeholders replaced, also inside lists and objects."""
        match value:
            case str() if "{{$" in value:
                return _PLACEHOLDER.sub(self._replacement, value)
            case list():
                return [self.fill(item) for item in value]
            case dict():
                return {self.fill(key): self.fill(item) for key, item in value.items()}
            case _:
                return value

    @property
    def _outer(self) -> Scope:
        parent = self._node.parent
        return Scope() if parent is None else scope_of(self._run, parent)

    def _outer_parameter(self, name: str) -> Any:
        """An input of the enclosing DAG, or the item of an enclosing loop or a field of it."""
        node = self._node.parent
        while node is not None:
            parameters = scope_of(self._run, node).parameters
            whole, subvar, key = name.partition(_SUBVAR)
            if name in parameters:
                return parameters[name]
            if subvar and whole in parameters:
                return _field(parameters[whole], key)
            node = node.parent if LOOP_ITEM in name else None
        return None

    def _sibling(self, name: str) -> Node:
        assert self._node.parent is not None
        return self._node.parent.children[name]

    def _value(self, name: str, source: TaskInputParameter) -> Any:
        if source.component_input_parameter is not None:
            return self._outer_parameter(source.component_input_parameter)
        if source.task_output_parameter is not None:
            produced = source.task_output_parameter
            outputs = self._sibling(produced.producer_task).record.outputs
            return outputs.parameters.get(produced.output_parameter_key)
        if source.task_final_status is not None:
            return final_status(self._run, self._sibling(source.task_final_status.producer_task))
        if source.runtime_value is None:
            return None
        if source.runtime_value.runtime_parameter is not None:
            return self._outer_parameter(source.runtime_value.runtime_parameter)
        if name in self._open:
            raise InputError(f"input parameter {name!r} refers to itself")
        self._open.append(name)
        value = self.fill(whole_numbers(source.runtime_value.constant))
        self._open.pop()
        return value

    def _replacement(self, match: re.Match[str]) -> str:
        channel = match[1] or match[2]
        if channel is None:
            return self._pipeline_text(match)
        if self._given is not None and channel in self._given.parameters:
            return _as_text(self._given.parameters[channel])
        source = self._node.plan.task.inputs.parameters.get(channel)
        if source is not None:
            value = self.parameter(channel, source)
        elif channel in self._outer.parameters:
            value = self._outer.parameters[channel]
        elif channel in self._node.plan.component.input_definitions.parameters:
            return match[0]  # an input of the step itself, which the executor resolves
        else:
            raise InputError(f"a placeholder refers to input {channel!r}, which is not bound")
        return "" if value is None else _as_text(value)

    def _pipeline_text(self, match: re.Match[str]) -> str:
        if self._texts is None:
            self._texts = _pipeline_placeholders(self._run, self._node)
        return self._texts.get(match[3], match[0])


def _root(run: Run) -> str:
    """The URI below which the run's artifacts are stored: the given one, or one in the deployment's
    bucket."""
    submission = run.submission
    given = submission.pipeline_root or run.plan.default_pipeline_root
    folder = run_prefix(submission.namespace, submission.pipeline.name, submission.run_id)
    return given or run.plan.store_uri + folder.rstrip("/")


def _field(item: Any, key: str) -> Any:
    """The field of a loop's item that ``item.key`` refers to in the SDK."""
    try:
        value = json.loads(item) if isinstance(item, str) else item
    except ValueError:
        return None
    return value.get(key) if isinstance(value, dict) else None


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(whole_numbers(value), separators=(",", ":"), ensure_ascii=False)


def _pipeline_placeholders(run: Run, node: Node) -> Mapping[str, str]:
    submission = run.submission
    created = submission.submitted_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    scheduled = submission.scheduled_at or submission.submitted_at
    return {
        "pipeline_job_name": submission.display_name,
        "pipeline_job_resource_name": resource_name(run),
        "pipeline_job_uuid": str(submission.run_id),
        "pipeline_job_create_time_utc": created,
        "pipeline_job_schedule_time_utc": scheduled.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pipeline_root": _root(run),
        "pipeline_task_name": node.record.name,
        "pipeline_task_uuid": str(node.record.task_id),
    }

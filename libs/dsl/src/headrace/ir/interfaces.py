"""Writes the interfaces of components and groups: their inputs and outputs in the IR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.graph.channels import PipelineArtifactChannel, PipelineChannel
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, InputSpec
from headrace.graph.names import channel_input
from headrace.graph.oneof import OneOfMixin
from headrace.ir import values

Json = dict[str, Any]
_FILLED_IN = {types.FINAL_STATUS: "TASK_FINAL_STATUS", types.TASK_CONFIG: "TASK_CONFIG"}


def interface(spec: ComponentSpec) -> Json:
    """The IR component with the inputs, outputs and passthroughs of a specification."""
    component: Json = {}
    for name, given in spec.inputs.items():
        if types.is_parameter(given.type):
            _put(component, "inputDefinitions", "parameters", name, _input_parameter(name, given))
        else:
            artifact = _artifact(given.type, given.is_artifact_list, given.description)
            if given.optional:
                artifact["isOptional"] = True
            _put(component, "inputDefinitions", "artifacts", name, artifact)
    for name, made in spec.outputs.items():
        if types.is_parameter(made.type):
            parameter: Json = {"parameterType": types.ir_type(made.type)}
            if made.description:
                parameter["description"] = made.description
            _put(component, "outputDefinitions", "parameters", name, parameter)
        else:
            artifact = _artifact(made.type, made.is_artifact_list, made.description)
            _put(component, "outputDefinitions", "artifacts", name, artifact)
    if spec.task_config_passthroughs:
        component["taskConfigPassthroughs"] = [
            each.to_dict() for each in spec.task_config_passthroughs
        ]
    return component


def _input_parameter(name: str, given: InputSpec) -> Json:
    filled_in = _FILLED_IN.get(given.type) if isinstance(given.type, str) else None
    parameter: Json = {"parameterType": filled_in or types.ir_type(given.type)}
    if given.optional or filled_in:
        parameter["isOptional"] = True
    if given.default is not None and not filled_in:
        parameter["defaultValue"] = values.default(given.default, parameter["parameterType"], name)
    if given.description:
        parameter["description"] = given.description
    return parameter


def _artifact(kind: str, is_list: bool, description: Any = None) -> Json:
    artifact: Json = {"artifactType": types.schema(kind)}
    if is_list:
        artifact["isArtifactList"] = True
    if description:
        artifact["description"] = description
    return artifact


def _put(component: Json, side: str, kind: str, name: str, definition: Json) -> None:
    component.setdefault(side, {}).setdefault(kind, {})[name] = definition


def group_interface(
    inputs: Iterable[PipelineChannel], outputs: Mapping[str, PipelineChannel]
) -> Json:
    """The IR component of a group: its inputs, its outputs, and the sources of the outputs."""
    component: Json = {}
    for channel in inputs:
        _put(component, "inputDefinitions", *_channel(channel_input(channel.full_name), channel))
    for name, channel in outputs.items():
        _put(component, "outputDefinitions", *_channel(name, channel))
    if any(isinstance(each, OneOfMixin) for each in outputs.values()):
        component["dag"] = {"outputs": branches_outputs(outputs)}
    elif outputs:
        component["dag"] = {"outputs": dag_outputs(component, outputs)}
    return component


def _channel(name: str, channel: Any) -> Any:
    is_artifact = not types.is_parameter(channel.channel_type)
    if is_artifact:
        return "artifacts", name, _artifact(channel.channel_type, channel.is_artifact_list)
    return "parameters", name, {"parameterType": types.ir_type(channel.channel_type)}


def dag_outputs(component: Json, outputs: Mapping[str, Any]) -> Json:
    """The sources of a DAG's outputs.

    Raises:
        ValueError: An output is not declared, or a declared output is missing.
    """
    declared = component.get("outputDefinitions", {})
    written: Json = {}
    for name, channel in outputs.items():
        if not isinstance(channel, PipelineChannel):
            raise ValueError(f"Got unknown pipeline output {name!r} of type {type(channel)}.")
        kind = "artifacts" if isinstance(channel, PipelineArtifactChannel) else "parameters"
        if name not in declared.get(kind, {}):
            raise ValueError(
                f"Pipeline or component output not defined: {name}. You may be missing a type "
                "annotation."
            )
        written.setdefault(kind, {})[name] = _selector(kind, channel)
    for kind in ("artifacts", "parameters"):
        for name in declared.get(kind, {}):
            if name not in written.get(kind, {}):
                raise ValueError(f"Missing pipeline output: {name}.")
    return written


def _selector(kind: str, channel: Any) -> Json:
    if kind == "artifacts":
        return {"artifactSelectors": [_source(channel, "outputArtifactKey")]}
    return {"valueFromParameter": _source(channel, "outputParameterKey")}


def _source(channel: PipelineChannel, key: str) -> Json:
    return {"producerSubtask": channel.task_name, key: channel.name}


def branches_outputs(outputs: Mapping[str, Any]) -> Json:
    """The sources of the outputs of a group of branches: one selector for each branch."""
    written: Json = {}
    for name, channel in outputs.items():
        if not types.is_parameter(channel.channel_type):
            selectors = [_source(each, "outputArtifactKey") for each in channel.channels]
            written.setdefault("artifacts", {})[name] = {"artifactSelectors": selectors}
        else:
            selectors = [_source(each, "outputParameterKey") for each in channel.channels]
            oneof = {"valueFromOneof": {"parameterSelectors": selectors}}
            written.setdefault("parameters", {})[name] = oneof
    return written

"""Writes tasks, and the tasks that represent groups in their outer DAG, as IR."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from headrace.graph import quantities
from headrace.graph.channels import (
    Collected,
    PipelineArtifactChannel,
    PipelineChannel,
    channels_in,
    replace_in,
)
from headrace.graph.control_flow import ConditionGroup, ParallelFor
from headrace.graph.errors import InvalidTopologyException
from headrace.graph.group import TasksGroup
from headrace.graph.interfaces.placeholders import InputValuePlaceholder
from headrace.graph.interfaces.specs import RetryPolicy
from headrace.graph.loops import (
    LoopArgumentVariable,
    LoopArtifactArgument,
    LoopParameterArgument,
)
from headrace.graph.names import channel_input, kubernetes_name
from headrace.graph.task import PipelineTask
from headrace.ir import values
from headrace.ir.conditions import expression

Json = dict[str, Any]


class Scope:
    """The sources that a task can use: the inputs of its DAG, and the tasks beside it."""

    def __init__(self, inputs: Mapping[str, Any], siblings: Collection[str], is_root: bool) -> None:
        self.parameters = inputs.get("parameters", {})
        self.artifacts = inputs.get("artifacts", {})
        self.siblings = siblings
        self.is_root = is_root

    def parameter(self, channel: PipelineChannel) -> Json:
        """The source of a parameter.

        Raises:
            InvalidTopologyException: The DAG has no such input.
        """
        if isinstance(channel, LoopArgumentVariable):
            name = channel_input(channel.loop_argument.full_name)
            return {**self._input(name, self.parameters, channel), **selector(channel)}
        if isinstance(channel, LoopParameterArgument):
            return self._input(channel_input(channel.full_name), self.parameters, channel)
        if channel.task_name and channel.task_name in self.siblings:
            return {
                "taskOutputParameter": {
                    "producerTask": kubernetes_name(channel.task_name),
                    "outputParameterKey": channel.name,
                }
            }
        if not channel.task_name and channel.full_name in self.parameters:
            return {"componentInputParameter": channel.full_name}
        return self._input(channel_input(channel.full_name), self.parameters, channel)

    def artifact(self, channel: PipelineChannel) -> Json:
        """The source of an artifact.

        Raises:
            InvalidTopologyException: The DAG has no such input.
        """
        name = channel_input(channel.full_name)
        if not isinstance(channel, LoopArtifactArgument):
            if channel.task_name and channel.task_name in self.siblings:
                return {
                    "taskOutputArtifact": {
                        "producerTask": kubernetes_name(channel.task_name),
                        "outputArtifactKey": channel.name,
                    }
                }
            if not channel.task_name and channel.full_name in self.artifacts:
                return {"componentInputArtifact": channel.full_name}
        self._input(name, self.artifacts, channel)
        return {"componentInputArtifact": name}

    def _input(self, name: str, known: Collection[str], channel: PipelineChannel) -> Json:
        if name not in known:
            raise InvalidTopologyException(
                f"{channel.full_name!r} cannot be used here: it belongs to a part of the pipeline "
                "that this task has no access to."
            )
        return {"componentInputParameter": name}


def selector(variable: LoopArgumentVariable) -> Json:
    """The expression that selects one key of an item that is a dict."""
    return {"parameterExpressionSelector": f'parseJson(string_value)["{variable.subvar_name}"]'}


def is_artifact(channel: Any) -> bool:
    """Whether a channel is an artifact or a list of them."""
    if isinstance(channel, Collected):
        return channel.is_artifact_channel
    return isinstance(channel, PipelineArtifactChannel)


def task_spec(task: PipelineTask, scope: Scope) -> Json:
    """The IR of a task, with the sources of its inputs.

    Raises:
        InvalidTopologyException: The task has no access to an input's source.
        ValueError: A constant has a type that no parameter can have.
    """
    written: Json = {
        "taskInfo": {"name": task.display_name or task.name},
        "cachingOptions": {"enableCache": True} if task.enable_caching else {},
    }
    if task.cache_key:
        written["cachingOptions"]["cacheKey"] = task.cache_key
    if task.retry_policy is not None:
        written["retryPolicy"] = _retry(task.retry_policy)
    parameters: Json = {}
    artifacts: Json = {}
    for name, value in {**task.inputs, **_settings(task)}.items():
        if not isinstance(value, PipelineChannel):
            parameters.update(_constant(name, value, scope, task))
        elif is_artifact(value):
            artifacts[name] = scope.artifact(value)
        else:
            parameters[name] = scope.parameter(value)
    _put_inputs(written, parameters, artifacts)
    return written


def _put_inputs(written: Json, parameters: Json, artifacts: Json) -> None:
    if parameters or artifacts:
        written["inputs"] = {}
        if parameters:
            written["inputs"]["parameters"] = parameters
        if artifacts:
            written["inputs"]["artifacts"] = artifacts


def _settings(task: PipelineTask) -> Json:
    """The task's resources and image that contain channels."""
    container = task.container_spec
    if container is None:
        return {}
    settings = dict(vars(container.resources)) if container.resources else {}
    settings["base_image"] = container.image
    return {name: value for name, value in settings.items() if value and channels_in(value)}


def _constant(name: str, value: Any, scope: Scope, task: PipelineTask) -> Json:
    """A constant; channels in its strings become additional inputs."""
    written: Json = {}
    channels = channels_in(value)
    texts: list[str] = []
    for channel in channels:
        added = channel_input(channel.full_name)
        if added in task.inputs:
            raise RuntimeError(
                f"The input name {added!r} of {task.name!r} is reserved for the compiler. Rename "
                "the input."
            )
        written[added] = scope.parameter(channel)
        texts.append(InputValuePlaceholder(added).to_text())
    if channels:
        value = replace_in(value, channels, texts)
    written[name] = {"runtimeValue": {"constant": values.to_value(value)}}
    return written


def _retry(policy: RetryPolicy) -> Json:
    written: Json = {
        "backoffDuration": f"{quantities.seconds(policy.backoff_duration or '0s')}s",
        "backoffFactor": float(policy.backoff_factor or 2.0),
        "backoffMaxDuration": f"{quantities.seconds(policy.backoff_max_duration or '3600s')}s",
    }
    if policy.max_retry_count:
        written["maxRetryCount"] = int(policy.max_retry_count)
    return written


def group_spec(group: TasksGroup, inputs: Iterable[PipelineChannel], scope: Scope) -> Json:
    """The IR of a group's task, with the sources of its inputs, its condition and its items.

    Raises:
        InvalidTopologyException: The group has no access to an input's source.
    """
    written: Json = {"taskInfo": {"name": group.display_name or group.name}}
    parameters: Json = {}
    artifacts: Json = {}
    item = group.loop_argument.pattern if isinstance(group, ParallelFor) else None
    for channel in inputs:
        if channel.pattern != item:
            name = channel_input(channel.full_name)
            if is_artifact(channel):
                artifacts[name] = scope.artifact(channel)
            else:
                parameters[name] = scope.parameter(channel)
    _put_inputs(written, parameters, artifacts)
    if isinstance(group, ParallelFor):
        written.update(_iterator(group))
    elif isinstance(group, ConditionGroup):
        written["triggerPolicy"] = {"condition": expression(group.conditions)}
    return written


def _iterator(group: ParallelFor) -> Json:
    item = channel_input(group.loop_argument.full_name)
    items = group.loop_argument.items_or_pipeline_channel
    written: Json
    if not group.items_is_pipeline_channel:
        raw = {"raw": json.dumps(items, sort_keys=True)}
        written = {"parameterIterator": {"items": raw, "itemInput": item}}
    elif isinstance(group.loop_argument, LoopArtifactArgument):
        source = {"inputArtifact": channel_input(items.full_name)}
        written = {"artifactIterator": {"items": source, "itemInput": item}}
    else:
        source = {"inputParameter": channel_input(items.full_name)}
        written = {"parameterIterator": {"items": source, "itemInput": item}}
    if group.parallelism_limit > 0:
        written["iteratorPolicy"] = {"parallelismLimit": group.parallelism_limit}
    return written

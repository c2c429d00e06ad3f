"""Writes executors: the containers and importers of single steps in the IR."""

from __future__ import annotations

from typing import Any

from headrace.graph import quantities
from headrace.graph.channels import PipelineChannel, channels_in, replace_in
from headrace.graph.config import TaskConfigField
from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import InputValuePlaceholder
from headrace.graph.interfaces.specs import Importer, ResourceSpec
from headrace.graph.names import channel_input
from headrace.graph.task import PipelineTask
from headrace.ir import values

Json = dict[str, Any]
_PLATFORM_FIELDS = {
    "tolerations": TaskConfigField.KUBERNETES_TOLERATIONS,
    "nodeSelector": TaskConfigField.KUBERNETES_NODE_SELECTOR,
    "nodeAffinity": TaskConfigField.KUBERNETES_AFFINITY,
    "podAffinity": TaskConfigField.KUBERNETES_AFFINITY,
    "pvcMount": TaskConfigField.KUBERNETES_VOLUMES,
    "secretAsVolume": TaskConfigField.KUBERNETES_VOLUMES,
    "configMapAsVolume": TaskConfigField.KUBERNETES_VOLUMES,
}


def executor(task: PipelineTask) -> Json:
    """The executor of a task that is a single step.

    Raises:
        TypeError: The image, a command or an environment variable is not a string.
        ValueError: The task has a setting that is missing in the component's
            `task_config_passthroughs`.
    """
    if task.importer_spec is not None:
        return {"importer": _importer(task.importer_spec)}
    container = task.container_spec
    assert container is not None
    _check_passthroughs(task)
    written: Json = {}
    if container.image:
        written["image"] = _text(_with_placeholders(container.image), "image", task)
    if container.command:
        written["command"] = [_text(each, "command", task) for each in container.command]
    if container.args:
        written["args"] = [_text(each, "argument", task) for each in container.args]
    if container.env:
        written["env"] = [_variable(name, value, task) for name, value in container.env.items()]
    if container.resources is not None:
        resources = _resources(container.resources)
        if resources:
            written["resources"] = resources
    return {"container": written}


def _text(value: Any, what: str, task: PipelineTask) -> str:
    if not isinstance(value, str):
        raise TypeError(
            f"The {what} of task {task.name!r} must be a str. Got: {value!r} of type "
            f"{type(value).__name__}."
        )
    return value


def _variable(name: Any, value: Any, task: PipelineTask) -> Json:
    written = {"name": _text(name, "name of an environment variable", task)}
    if _text(value, f"environment variable {name}", task):
        written["value"] = value
    return written


def _with_placeholders(value: Any) -> Any:
    """Replace the channels in `value` by placeholders of the task's inputs."""
    channels = channels_in(value)
    if not channels:
        return value
    texts = [InputValuePlaceholder(channel_input(each.full_name)).to_text() for each in channels]
    return replace_in(value, channels, texts)


def _resources(resources: ResourceSpec) -> Json:
    written: Json = {}
    for name, key, number in (
        ("cpu_request", "CpuRequest", quantities.cpu_cores),
        ("cpu_limit", "CpuLimit", quantities.cpu_cores),
        ("memory_request", "MemoryRequest", quantities.memory_gigabytes),
        ("memory_limit", "MemoryLimit", quantities.memory_gigabytes),
    ):
        given = getattr(resources, name)
        if given is not None:
            text = _with_placeholders(given)
            written[f"resource{key}"] = text
            # the older fields are numbers, for backends that do not know the newer fields
            if text == given and number(given):
                written[key[0].lower() + key[1:]] = number(given)
    if resources.accelerator_count is not None:
        written["accelerator"] = _accelerator(resources)
    return written


def _accelerator(resources: ResourceSpec) -> Json:
    kind, count = resources.accelerator_type, resources.accelerator_count
    written: Json = {"resourceCount": _with_placeholders(count)}
    if written["resourceCount"] == count and int(str(count)):
        written["count"] = str(int(str(count)))
    if kind is not None:
        written["resourceType"] = _with_placeholders(kind)
        if written["resourceType"] == kind:
            written["type"] = kind
    return written


def _importer(importer: Importer) -> Json:
    uri = importer.artifact_uri
    is_known = isinstance(uri, str) and not channels_in(uri)
    written: Json = {
        "artifactUri": {"constant": uri} if is_known else {"runtimeParameter": "uri"},
        "typeSchema": types.schema(importer.schema),
    }
    if not isinstance(uri, (str, PipelineChannel)):
        raise TypeError(f"The URI of an importer must be a str or a parameter. Got: {uri!r}")
    if importer.reimport:
        written["reimport"] = True
    if importer.metadata:
        written["metadata"] = values.to_struct(dict(importer.metadata))
    if importer.download_to_workspace:
        written["downloadToWorkspace"] = True
    return written


def _check_passthroughs(task: PipelineTask) -> None:
    """Check that a component with passthroughs handles all settings of its task itself."""
    passed = {each.field for each in task.component_spec.task_config_passthroughs}
    if not passed or task.container_spec is None:
        return
    resources = task.container_spec.resources
    if resources is not None and any(vars(resources).values()):
        _require(TaskConfigField.RESOURCES, passed, task)
    if task.container_spec.env:
        _require(TaskConfigField.ENV, passed, task)
    settings = task.platform_config.get("kubernetes") or {}
    for key, field in _PLATFORM_FIELDS.items():
        if settings.get(key):
            _require(field, passed, task)


def _require(field: TaskConfigField, passed: Any, task: PipelineTask) -> None:
    if field not in passed:
        raise ValueError(
            f"Task {task.name!r} cannot handle resource type {field.name!r} based "
            "on the values in task_config_passthroughs"
        )

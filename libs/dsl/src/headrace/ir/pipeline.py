"""Compiles a pipeline: calls its function, and writes the tasks and groups it defines as IR."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from headrace.graph.channels import Collected, PipelineChannel, make_channel
from headrace.graph.config import PipelineConfig
from headrace.graph.control_flow import ConditionGroup, ExitHandler, ParallelFor
from headrace.graph.errors import InvalidTopologyException
from headrace.graph.group import TasksGroup, TasksGroupType
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec
from headrace.graph.names import (
    check_pipeline_name,
    component_key,
    executor_label,
    kubernetes_name,
    unique,
)
from headrace.graph.oneof import OneOfMixin
from headrace.graph.pipeline import Pipeline
from headrace.graph.task import PipelineTask
from headrace.ir import platform_spec
from headrace.ir.executors import executor
from headrace.ir.group_outputs import add_group_outputs
from headrace.ir.interfaces import dag_outputs, group_interface, interface
from headrace.ir.nested_pipelines import merge_pipeline
from headrace.ir.tasks import Scope, group_spec, task_spec
from headrace.ir.topology import Topology
from headrace.step.artifacts import WORKSPACE_MOUNT_PATH
from headrace.step.dsl import (
    WORKSPACE_PATH_PLACEHOLDER,
)
from headrace.step.types import SINGLE_OUTPUT
from headrace.version import SDK_VERSION

Json = dict[str, Any]
SCHEMA_VERSION = "2.1.0"
_COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"


def define(
    spec: ComponentSpec,
    function: Callable[..., Any],
    pipeline_root: str | None = None,
    display_name: str | None = None,
    config: PipelineConfig | None = None,
    begin: Callable[[Pipeline], None] | None = None,
    finish: Callable[[Pipeline, PipelineConfig | None], PipelineConfig | None] | None = None,
) -> tuple[Json, Json]:
    """Call a pipeline's function and compile the pipeline that it defines.

    Args:
        spec: The interface of the function.
        function: The function; it is called with a channel for each parameter.
        pipeline_root: The folder of the pipeline's artifacts.
        display_name: The pipeline's display name.
        config: Settings of the whole pipeline.
        begin: Called with the pipeline before the function.
        finish: Called with the pipeline and its settings after the function; returns the settings.

    Returns:
        The IR and the platform spec, which is empty without platform settings.

    Raises:
        ValueError: The function defines no task, or returns something other than outputs.
        InvalidTopologyException: A task uses an output that it has no access to.
    """
    arguments = []
    for name in inspect.signature(function).parameters:
        if name not in spec.inputs:
            raise ValueError(
                f"The parameter {name!r} of pipeline {spec.name!r} is annotated as an output. "
                "Return the outputs of a pipeline from its function."
            )
        given = spec.inputs[name]
        arguments.append(make_channel(name, given.type, None, given.is_artifact_list))
    with Pipeline(spec.name) as pipeline:
        if begin is not None:
            begin(pipeline)
        returned = function(*arguments)
        if finish is not None:
            config = finish(pipeline, config)
        if not pipeline.tasks:
            raise ValueError("Task is missing from pipeline.")
        _check_workspace(pipeline, config)
        check_pipeline_name(pipeline.name)
        written, platforms = _Builder(pipeline, spec, config).build(_outputs(returned))
    if pipeline_root:
        written["defaultPipelineRoot"] = pipeline_root
    if display_name:
        written["pipelineInfo"]["displayName"] = display_name
    if spec.description:
        written["pipelineInfo"]["description"] = spec.description
    return written, {"platforms": platforms} if platforms else {}


def pipeline_ir(name: str, root: Json) -> Json:
    """The IR of a pipeline without components."""
    return {
        "pipelineInfo": {"name": name},
        "sdkVersion": SDK_VERSION,
        "schemaVersion": SCHEMA_VERSION,
        "root": root,
        "deploymentSpec": {},
    }


def _outputs(returned: Any) -> Json:
    if returned is None:
        outputs: Json = {}
    elif isinstance(returned, dict):
        outputs = dict(returned)
    elif isinstance(returned, PipelineChannel):
        outputs = {SINGLE_OUTPUT: returned}
    elif isinstance(returned, tuple) and hasattr(returned, "_asdict"):
        outputs = dict(returned._asdict())
    else:
        raise ValueError(f"Got unknown pipeline output, {returned}, of type {type(returned)}.")
    for channel in outputs.values():
        _check_output(channel)
    return outputs


def _check_output(channel: Any) -> None:
    if isinstance(channel, Collected):
        return
    if not isinstance(channel, PipelineChannel):
        raise ValueError(f"Got unknown pipeline output, {channel}, of type {type(channel)}.")
    if isinstance(channel, OneOfMixin):
        group = channel.condition_branches_group.parent_task_group
        what = "pipeline output dsl.OneOf"
    elif channel.task is None:
        raise ValueError(
            f"The pipeline's input {channel.name!r} cannot be returned as an output. Only outputs "
            "of tasks can."
        )
    else:
        group, what = channel.task.parent_task_group, "pipeline output"
    if group is None or group.group_type is not TasksGroupType.PIPELINE:
        raise InvalidTopologyException(
            "Pipeline outputs may only be returned from the top level of the pipeline function "
            f"scope. Got {what} from within the control flow group dsl.{type(group).__name__}."
        )


def _check_workspace(pipeline: Pipeline, config: PipelineConfig | None) -> None:
    if config is not None and config.workspace is not None:
        return
    for task in pipeline.tasks.values():
        for value in task.inputs.values():
            if isinstance(value, str) and (
                WORKSPACE_PATH_PLACEHOLDER in value or value.startswith(WORKSPACE_MOUNT_PATH)
            ):
                raise ValueError(
                    "Workspace features are used (e.g., dsl.WORKSPACE_PATH_PLACEHOLDER) but "
                    f"PipelineConfig.workspace.size is not set; task {task.name!r} uses them."
                )


class _Builder:
    """Builds the IR of one pipeline, one group at a time."""

    def __init__(
        self, pipeline: Pipeline, spec: ComponentSpec, config: PipelineConfig | None
    ) -> None:
        self.pipeline = pipeline
        self.spec = spec
        self.topology = Topology(pipeline)
        self.components: Json = {}
        self.executors: Json = {}
        self.platforms: Json = {}
        if config is not None:
            platform_spec.add_config(self.platforms, config)

    def build(self, returned: Json) -> tuple[Json, Json]:
        """Build the IR and the platforms of the platform spec."""
        root = interface(self.spec)
        returned = add_group_outputs(self.topology, returned)
        self.topology.find_dependencies()
        dags: dict[int, Json] = {id(self.pipeline.root): root}
        for group in self.pipeline.root.walk():
            dags.update(self._add_group(group, dags[id(group)]))
        for group in self.pipeline.inner_groups():
            if isinstance(group, ExitHandler):
                self._add_exit_task(group, root)
        outputs = dag_outputs(root, returned)
        self._check_types(returned)
        if outputs:
            root.setdefault("dag", {})["outputs"] = outputs
        written = pipeline_ir(self.pipeline.name, root)
        if self.components:
            written["components"] = self.components
        if self.executors:
            written["deploymentSpec"]["executors"] = self.executors
        return written, self.platforms

    def _add_group(self, group: TasksGroup, component: Json) -> dict[int, Json]:
        """Add the tasks of a group to its component; returns the components of the groups within
        it, by the groups' `id()`."""
        siblings = {each.name for each in group.groups} | {each.name for each in group.tasks}
        inputs = component.get("inputDefinitions", {})
        scope = Scope(inputs, siblings, group is self.pipeline.root)
        tasks = component.setdefault("dag", {}).setdefault("tasks", {})
        inner: dict[int, Json] = {}
        for each in group.groups:
            made, written = self._group(each, scope)
            inner[id(each)] = made
            self._add_to_dag(each, made, written, tasks)
        for task in group.tasks:
            written = task_spec(task, scope)
            made = self._task_component(task, scope)
            self._add_to_dag(task, made, written, tasks)
        return inner

    def _add_to_dag(self, place: Any, component: Json, written: Json, tasks: Json) -> None:
        """Add a task or group to its DAG, and its component to the pipeline's components."""
        waits_for = self.topology.dependencies.get(id(place))
        if waits_for:
            written["dependentTasks"] = [kubernetes_name(name) for name in sorted(waits_for)]
        if isinstance(place, PipelineTask) and place.ignores_upstream_failure:
            _ignore_upstream_failure(place, written)
        self._name_component(place.name, component, written)
        tasks[place.name] = written

    def _name_component(self, name: str, component: Json, written: Json) -> None:
        key = unique(component_key(name), self.components)
        self.components[key] = component
        written["componentRef"] = {"name": key}

    def _group(self, group: TasksGroup, scope: Scope) -> tuple[Json, Json]:
        channels = dict(self.topology.inputs.get(group.name, {}))
        if isinstance(group, ParallelFor):
            if group.items_is_pipeline_channel:
                items = group.loop_argument.items_or_pipeline_channel
                channels.setdefault(items.pattern, items)
            channels.setdefault(group.loop_argument.pattern, group.loop_argument)
        elif isinstance(group, ConditionGroup):
            for condition in group.conditions:
                for operand in condition.channels():
                    channels.setdefault(operand.pattern, operand)
        inputs = list(channels.values())
        outputs = self.topology.outputs.get(group.name, {})
        return group_interface(inputs, outputs), group_spec(group, inputs, scope)

    def _task_component(self, task: PipelineTask, scope: Scope) -> Json:
        if task.component_spec.graph is not None:
            return self._graph_component(task)
        component = interface(task.component_spec)
        for name, given in task.component_spec.inputs.items():
            allowed = task.is_exit_handler or task.ignores_upstream_failure
            if given.type == types.FINAL_STATUS and not allowed:
                raise ValueError(
                    "PipelineTaskFinalStatus can only be used in an exit task. Parameter "
                    f"{name} of a non exit task has type PipelineTaskFinalStatus."
                )
        label = unique(executor_label(task.name), self.executors)
        component["executorLabel"] = label
        self.executors[label] = executor(task)
        if task.container_spec is not None:
            platform_spec.add_settings(self.platforms, task.platform_config, label, scope)
        return component

    def _graph_component(self, task: PipelineTask) -> Json:
        if task.platform_config:
            raise ValueError(
                "Platform-specific features can only be set on primitive components. Found "
                f"platform-specific feature set on the pipeline {task.name!r}."
            )
        root, labels = merge_pipeline(task.pipeline_spec or {}, self.components, self.executors)
        others: Mapping[str, Any] = task.component_spec.platform.get("platforms", {})
        platform_spec.add_platforms(self.platforms, others, labels)
        return root

    def _add_exit_task(self, group: ExitHandler, root: Json) -> None:
        parent = group.parent_task_group
        if parent is None or not parent.is_root:
            raise ValueError(
                "ExitHandler can only be used within the outermost scope of a pipeline function "
                f"definition. Using an ExitHandler within {type(parent).__name__} "
                f"{parent.name if parent else ''} is not allowed."
            )
        task = group.exit_task
        if task.importer_spec is not None:
            raise RuntimeError(
                f"Exit task {task.name} is an importer. An exit task must be a step or a pipeline."
            )
        tasks = root["dag"]["tasks"]
        scope = Scope(root.get("inputDefinitions", {}), set(tasks), True)
        written = task_spec(task, Scope(root.get("inputDefinitions", {}), (), True))
        written["dependentTasks"] = [group.name]
        written["triggerPolicy"] = {"strategy": _COMPLETED}
        _add_final_status(task, written, group.name)
        component = self._task_component(task, scope)
        self._name_component(task.name, component, written)
        tasks[task.name] = written

    def _check_types(self, returned: Mapping[str, Any]) -> None:
        for name, channel in returned.items():
            wanted = self.spec.outputs[name]
            which = "" if len(returned) == 1 else f"{name!r} "
            is_list = getattr(channel, "is_artifact_list", False) is True
            types.check_compatible(
                (channel.channel_type, is_list),
                (wanted.type, wanted.is_artifact_list),
                f"Incompatible return type provided for output {which}of pipeline "
                f"{self.spec.name!r}. ",
                is_output=True,
            )


def _add_final_status(task: PipelineTask, written: Json, producer: str) -> None:
    for name, given in task.component_spec.inputs.items():
        if given.type == types.FINAL_STATUS:
            parameters = written.setdefault("inputs", {}).setdefault("parameters", {})
            parameters[name] = {"taskFinalStatus": {"producerTask": producer}}


def _ignore_upstream_failure(task: PipelineTask, written: Json) -> None:
    written.setdefault("triggerPolicy", {})["strategy"] = _COMPLETED
    if not any(each.type == types.FINAL_STATUS for each in task.component_spec.inputs.values()):
        return
    upstream = written.get("dependentTasks", [])
    if len(upstream) != 1:
        parent = task.parent_task_group
        inside = parent is not None and not parent.is_root
        place = f" within the same control flow scope, dsl.{type(parent).__name__}" * inside
        raise InvalidTopologyException(
            "Tasks that use '.ignore_upstream_failure()' and 'PipelineTaskFinalStatus' must have "
            f"exactly one dependent upstream task{place}. Task {task.name!r} has "
            f"{', '.join(map(repr, upstream)) or 'none'}."
        )
    _add_final_status(task, written, upstream[0])

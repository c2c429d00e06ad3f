"""Compiles a single component as a pipeline with one task."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import make_channel
from headrace.graph.interfaces.specs import ComponentSpec
from headrace.graph.names import check_pipeline_name, component_key, executor_label
from headrace.graph.task import PipelineTask
from headrace.ir.executors import executor
from headrace.ir.interfaces import dag_outputs, interface
from headrace.ir.pipeline import pipeline_ir
from headrace.ir.tasks import Scope, task_spec


def component_pipeline(spec: ComponentSpec) -> dict[str, Any]:
    """The IR of a pipeline with one task and the component's inputs and outputs.

    Raises:
        ValueError: The component's name is not a valid pipeline name.
    """
    arguments = {
        name: make_channel(name, given.type, None, given.is_artifact_list)
        for name, given in spec.inputs.items()
    }
    task = PipelineTask(spec, arguments)
    check_pipeline_name(spec.name)
    root = interface(spec)
    made = {
        name: make_channel(name, output.type, task.name, output.is_artifact_list)
        for name, output in spec.outputs.items()
    }
    outputs = dag_outputs(root, made)
    written = task_spec(task, Scope(root.get("inputDefinitions", {}), (), True))
    key, label = component_key(task.name), executor_label(task.name)
    written["componentRef"] = {"name": key}
    root["dag"] = {"tasks": {task.name: written}}
    if outputs:
        root["dag"]["outputs"] = outputs
    ir = pipeline_ir(spec.name, root)
    ir["components"] = {key: {**interface(spec), "executorLabel": label}}
    ir["deploymentSpec"]["executors"] = {label: executor(task)}
    return ir

"""From a checked spec to a plan: the root DAG's tasks in an order in which they can run.

A plan depends on the spec alone, so all runs of one pipeline version share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from headrace_contracts.ir.check import dependencies
from headrace_contracts.ir.models import (
    Component,
    ComponentInputs,
    ContainerSpec,
    DagOutputs,
    PipelineDocument,
    Task,
)

ROOT = "root"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task: what it runs, what it waits for, who waits for it."""

    name: str
    task: Task
    component: Component
    container: ContainerSpec
    dependencies: tuple[str, ...]
    dependents: tuple[str, ...]
    timeout_seconds: float | None

    @property
    def display_name(self) -> str:
        """The name that a person gave it."""
        return self.task.task_info.name or self.name

    @property
    def path(self) -> str:
        """Where it stands in the run's graph."""
        return f"{ROOT}/{self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks of a pipeline, each after those it depends on, and the pipeline's outputs."""

    pipeline_name: str
    tasks: Mapping[str, TaskPlan]
    inputs: ComponentInputs
    outputs: DagOutputs
    default_pipeline_root: str | None


def plan(document: PipelineDocument) -> Plan:
    """The plan of a spec that `ir.parse` has accepted."""
    spec = document.pipeline_spec
    assert spec.root.dag is not None
    tasks = spec.root.dag.tasks
    graph = {name: sorted(dependencies(task)) for name, task in tasks.items()}
    dependents: dict[str, list[str]] = {name: [] for name in tasks}
    for name, upstream in graph.items():
        for other in upstream:
            dependents[other].append(name)
    return Plan(
        pipeline_name=spec.pipeline_info.name,
        tasks={
            name: _task_plan(document, name, tuple(graph[name]), tuple(dependents[name]))
            for name in TopologicalSorter(graph).static_order()
        },
        inputs=spec.root.input_definitions,
        outputs=spec.root.dag.outputs,
        default_pipeline_root=spec.default_pipeline_root,
    )


def _task_plan(
    document: PipelineDocument, name: str, upstream: tuple[str, ...], downstream: tuple[str, ...]
) -> TaskPlan:
    spec = document.pipeline_spec
    assert spec.root.dag is not None
    task = spec.root.dag.tasks[name]
    component = spec.components[task.component_ref.name]
    label = component.executor_label
    assert label is not None
    container = spec.deployment_spec.executors[label].container
    assert container is not None
    return TaskPlan(
        name=name,
        task=task,
        component=component,
        container=container,
        dependencies=upstream,
        dependents=downstream,
        timeout_seconds=_timeout(document, label),
    )


def _timeout(document: PipelineDocument, label: str) -> float | None:
    if document.platform_spec is None:
        return None
    executors = document.platform_spec.platforms.kubernetes.deployment_spec.executors
    seconds = executors[label].active_deadline_seconds if label in executors else None
    return float(seconds) if seconds else None

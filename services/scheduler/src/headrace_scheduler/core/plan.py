"""Turns a validated spec into a plan: the tasks of every DAG, their dependencies, and how they run.

A plan depends only on the spec, so all runs of a pipeline version share it. A component that is
used many times is planned once: a plan is as large as its spec, not as a run of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from headrace_contracts.ir.graph import ALL_UPSTREAM_COMPLETED, dependencies
from headrace_contracts.ir.models import (
    Component,
    ComponentRef,
    ContainerSpec,
    DagOutputs,
    Importer,
    PipelineDocument,
    Task,
    TaskInfo,
)
from headrace_contracts.ir.parameters import seconds
from headrace_contracts.states import TaskKind

ROOT = "root"
_LONGEST_BACKOFF_SECONDS = 3600.0
"""KFP's default for `backoffMaxDuration`."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a task is retried, and the pauses."""

    count: int = 0
    delay_seconds: float = 0.0
    factor: float = 2.0
    longest_seconds: float = _LONGEST_BACKOFF_SECONDS

    def pause_seconds(self, failed: int) -> float:
        """The pause before the next attempt after `failed` failed attempts (from 1)."""
        try:
            return min(self.delay_seconds * self.factor ** (failed - 1), self.longest_seconds)
        except OverflowError:
            return self.longest_seconds


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task of a DAG: what it runs, its dependencies and its dependents."""

    name: str
    position: int
    """Its index in a topological order of the DAG's tasks."""
    task: Task
    component: Component
    body: TaskKind
    """What it runs, for a loop what each iteration runs: STEP, IMPORT or DAG."""
    container: ContainerSpec | None
    importer: Importer | None
    dag: DagPlan | None
    dependencies: tuple[str, ...]
    dependents: tuple[str, ...]
    retries: Retries
    timeout_seconds: float | None
    platform: Mapping[str, Any]

    @property
    def is_loop(self) -> bool:
        """Whether it runs its body for each item."""
        return self.task.item_input is not None

    @property
    def display_name(self) -> str:
        """The name for people."""
        return self.task.task_info.name or self.name

    @property
    def always(self) -> bool:
        """Whether it runs however the tasks that it depends on end."""
        return self.task.trigger_policy.strategy == ALL_UPSTREAM_COMPLETED and bool(
            self.dependencies
        )

    @property
    def exit_task(self) -> bool:
        """Whether it also runs when the run is stopped. The IR has no exit handlers as such: it is
        an `always` task that depends on a DAG that the SDK names ``exit-handler-N``, or one that
        has a task's final status as input."""
        reads_status = any(p.task_final_status for p in self.task.inputs.parameters.values())
        handles = any(name.startswith("exit-handler-") for name in self.dependencies)
        return self.always and (reads_status or handles)

    @property
    def cached(self) -> bool:
        """Whether the outputs of an execution with the same fingerprint may be reused."""
        return self.task.caching_options.enable_cache

    @property
    def parallelism(self) -> int | None:
        """How many iterations of a loop run at the same time; None is no limit."""
        return self.task.iterator_policy.parallelism_limit or None


@dataclass(frozen=True, slots=True)
class DagPlan:
    """The tasks of a DAG in topological order, and the DAG's outputs."""

    tasks: Mapping[str, TaskPlan]
    outputs: DagOutputs


@dataclass(frozen=True, slots=True)
class Plan:
    """A pipeline; its root is a task."""

    pipeline_name: str
    root: TaskPlan
    default_pipeline_root: str | None
    store_uri: str
    """The URI of the deployment's bucket, ending in a slash."""
    workspace: bool
    retries_dags: bool
    """Whether a DAG has retries: then tasks inside a DAG are needed after it has ended."""


def plan(document: PipelineDocument, store_uri: str = "") -> Plan:
    """The plan of a spec that `ir.parse` has accepted."""
    planner = _Planner(document)
    spec = document.pipeline_spec
    task = Task(task_info=TaskInfo(name=ROOT), component_ref=ComponentRef(name=ROOT))
    root = planner.task(ROOT, 0, task, spec.root, (), ())
    return Plan(
        pipeline_name=spec.pipeline_info.name,
        root=root,
        default_pipeline_root=spec.default_pipeline_root,
        store_uri=store_uri,
        workspace=document.kubernetes.pipeline_config.workspace is not None,
        retries_dags=planner.retries_dags,
    )


@dataclass(slots=True)
class _Planner:
    document: PipelineDocument
    _dags: dict[str, DagPlan] = field(default_factory=dict)
    retries_dags: bool = False

    def task(
        self,
        name: str,
        position: int,
        task: Task,
        component: Component,
        upstream: tuple[str, ...],
        downstream: tuple[str, ...],
    ) -> TaskPlan:
        executor = None
        label = component.executor_label
        if component.dag is None and label is not None:
            executor = self.document.pipeline_spec.deployment_spec.executors[label]
        platform = self.document.kubernetes.deployment_spec.executors.get(label or "")
        seconds_given = platform.active_deadline_seconds if platform else None
        settings = platform.model_dump(by_alias=True, exclude_none=True) if platform else {}
        retries = _retries(task)
        if component.dag is not None and retries.count:
            self.retries_dags = True
        return TaskPlan(
            name=name,
            position=position,
            task=task,
            component=component,
            body=_body(component, executor is not None and executor.importer is not None),
            container=executor.container if executor else None,
            importer=executor.importer if executor else None,
            dag=None if component.dag is None else self._dag(task.component_ref.name, component),
            dependencies=upstream,
            dependents=downstream,
            retries=retries,
            timeout_seconds=float(seconds_given) if seconds_given else None,
            platform=settings,
        )

    def _dag(self, component_name: str, component: Component) -> DagPlan:
        known = self._dags.get(component_name)
        if known is not None:
            return known
        assert component.dag is not None
        tasks = component.dag.tasks
        graph = {name: sorted(dependencies(task)) for name, task in tasks.items()}
        dependents: dict[str, list[str]] = {name: [] for name in tasks}
        for name, upstream in graph.items():
            for other in upstream:
                dependents[other].append(name)
        components = self.document.pipeline_spec.components
        planned = DagPlan(
            tasks={
                name: self.task(
                    name,
                    position,
                    tasks[name],
                    components[tasks[name].component_ref.name],
                    tuple(graph[name]),
                    tuple(dependents[name]),
                )
                for position, name in enumerate(TopologicalSorter(graph).static_order())
            },
            outputs=component.dag.outputs,
        )
        self._dags[component_name] = planned
        return planned


def _body(component: Component, imports: bool) -> TaskKind:
    if component.dag is not None:
        return TaskKind.DAG
    return TaskKind.IMPORT if imports else TaskKind.STEP


def _retries(task: Task) -> Retries:
    policy = task.retry_policy
    if policy is None:
        return Retries()
    return Retries(
        count=policy.max_retry_count,
        delay_seconds=seconds(policy.backoff_duration or "0s"),
        factor=policy.backoff_factor or 2.0,
        longest_seconds=seconds(policy.backoff_max_duration or "0s") or _LONGEST_BACKOFF_SECONDS,
    )

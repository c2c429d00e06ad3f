"""Translation of artifacts, lineage and tasks into the messages of KFP's artifact and task API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace_contracts.resources import (
    ArtifactPage,
    ArtifactRecord,
    ArtifactTask,
    ArtifactTaskPage,
    Task,
    TaskPage,
)
from headrace_contracts.states import TaskKind
from headrace_contracts.values import Artifact, Inputs, Outputs

from headrace_ui_gateway.kfp.messages.artifacts import (
    ArtifactKind,
    ArtifactTaskType,
    InputsOutputs,
    IoArtifact,
    IoParameter,
    PodType,
    TaskPod,
    TaskType,
    TypeAttributes,
    V2beta1Artifact,
    V2beta1ArtifactTask,
    V2beta1ListArtifactsResponse,
    V2beta1ListArtifactTasksResponse,
    V2beta1ListTasksResponse,
    V2beta1Task,
)
from headrace_ui_gateway.kfp.translate.runs import task_error, task_history, task_state

_SYSTEM = "system."
_KINDS = {kind.value.lower(): kind for kind in ArtifactKind} | {
    "metrics": ArtifactKind.METRIC,
    "classificationmetrics": ArtifactKind.CLASSIFICATION_METRIC,
    "slicedclassificationmetrics": ArtifactKind.SLICED_CLASSIFICATION_METRIC,
}


def kind_of(title: str | None) -> ArtifactKind:
    """KFP's type of an artifact with a schema title such as ``system.Model``."""
    return _KINDS.get((title or "").removeprefix(_SYSTEM).lower(), ArtifactKind.ARTIFACT)


def artifact(found: ArtifactRecord, *, multi_user: bool = False) -> V2beta1Artifact:
    """One artifact."""
    return V2beta1Artifact(
        artifact_id=str(found.artifact_id),
        name=found.name,
        type=kind_of(found.type),
        uri=found.uri,
        metadata=found.metadata,
        number_value=_number(found.type, found.metadata),
        created_at=found.created_at,
        namespace=found.namespace if multi_user else "",
    )


def artifacts(found: ArtifactPage, *, multi_user: bool) -> V2beta1ListArtifactsResponse:
    """A page of artifacts."""
    return V2beta1ListArtifactsResponse(
        artifacts=[artifact(one, multi_user=multi_user) for one in found.artifacts],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def _number(title: str | None, metadata: Mapping[str, Any]) -> float | None:
    numbers = [v for v in metadata.values() if isinstance(v, int | float) and v is not True]
    if kind_of(title) is ArtifactKind.METRIC and len(metadata) == len(numbers) == 1:
        return float(numbers[0])
    return None


def artifact_task(found: ArtifactTask) -> V2beta1ArtifactTask:
    """An artifact as an input or output of a task. The id is derived from the identifying
    fields."""
    kind = ArtifactTaskType(found.type)
    return V2beta1ArtifactTask(
        id=f"{found.task_id}.{kind.lower()}.{found.key}.{found.artifact_id}",
        artifact_id=str(found.artifact_id),
        run_id=str(found.run_id),
        task_id=str(found.task_id),
        type=kind,
        key=found.key,
    )


def artifact_tasks(found: ArtifactTaskPage) -> V2beta1ListArtifactTasksResponse:
    """A page of inputs and outputs."""
    return V2beta1ListArtifactTasksResponse(
        artifact_tasks=[artifact_task(one) for one in found.artifact_tasks],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def task(found: Task) -> V2beta1Task:
    """One task."""
    return V2beta1Task(
        task_id=str(found.task_id),
        run_id=str(found.run_id or ""),
        name=found.name,
        display_name=found.display_name,
        parent_task_id=str(found.parent_task_id or ""),
        create_time=found.created_at,
        start_time=found.started_at,
        end_time=found.finished_at,
        state=task_state(found.state),
        status_metadata=task_error(found),
        state_history=task_history(found),
        type=task_type(found),
        type_attributes=_attributes(found),
        pods=[TaskPod(name=found.place, type=PodType.EXECUTOR)] if found.place else [],
        inputs=_in_or_out(found.inputs),
        outputs=_in_or_out(found.outputs),
    )


def tasks(found: TaskPage) -> V2beta1ListTasksResponse:
    """A page of tasks."""
    return V2beta1ListTasksResponse(
        tasks=[task(one) for one in found.tasks],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def task_type(found: Task) -> TaskType:
    """KFP's kind of a task. For a DAG it follows from the prefix that KFP's compiler gives to the
    component's name."""
    if found.iteration is not None:
        return TaskType.LOOP_ITERATION
    if found.kind in (TaskKind.STEP, TaskKind.IMPORT):
        return TaskType.RUNTIME
    if found.kind is TaskKind.LOOP:
        return TaskType.LOOP
    for start, kind in _DAGS.items():
        if found.component.startswith(start):
            return kind
    return TaskType.DAG


_DAGS = {
    "comp-condition-branches-": TaskType.CONDITION_BRANCH,
    "comp-condition-": TaskType.CONDITION,
    "comp-exit-handler-": TaskType.EXIT_HANDLER,
}


def _attributes(found: Task) -> TypeAttributes | None:
    return None if found.iteration is None else TypeAttributes(iteration_index=found.iteration)


def _in_or_out(values: Inputs | Outputs) -> InputsOutputs | None:
    if not values.parameters and not values.artifacts:
        return None
    return InputsOutputs(
        parameters=[
            IoParameter(parameter_key=key, value=value) for key, value in values.parameters.items()
        ],
        artifacts=[
            IoArtifact(artifact_key=key, artifacts=_references(given))
            for key, given in values.artifacts.items()
        ],
    )


def _references(given: Sequence[Artifact]) -> list[V2beta1Artifact]:
    return [
        V2beta1Artifact(
            artifact_id=str(one.artifact_id or ""),
            name=one.name,
            type=kind_of(one.type.schema_title),
            uri=one.uri,
            metadata=one.metadata,
            number_value=_number(one.type.schema_title, one.metadata),
        )
        for one in given
    ]

"""Translation of runs into KFP's messages, and of KFP's requests into `SubmitRun`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import PipelineIdentity
from headrace_contracts.resources import Run, RunPage, Task
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact
from pydantic import ValidationError

from headrace_ui_gateway.kfp.messages.errors import EPOCH, first_validation_error, invalid, spec
from headrace_ui_gateway.kfp.messages.resources import (
    GoogleRpcStatus,
    StorageState,
    V2beta1PipelineVersionReference,
    V2beta1RecurringRun,
    V2beta1RuntimeConfig,
)
from headrace_ui_gateway.kfp.messages.runs import (
    PipelineTaskDetailChildTask,
    RuntimeState,
    V2beta1ArtifactList,
    V2beta1ListRunsResponse,
    V2beta1PipelineTaskDetail,
    V2beta1PipelineTaskExecutorDetail,
    V2beta1Run,
    V2beta1RunDetails,
    V2beta1RuntimeStatus,
)

_CANCELED, _UNKNOWN = 1, 2
"""gRPC codes for the errors of runs and tasks."""
_TASK_STATES = {  # KFP's client rejects a state that KFP does not have
    TaskState.READY: RuntimeState.PENDING,
    TaskState.WAITING: RuntimeState.PENDING,
}


def run_state(state: RunState) -> RuntimeState:
    """KFP's state of a run. A canceled run is FAILED, as in KFP: its client would wait forever for
    a run that ends as CANCELED."""
    return RuntimeState.FAILED if state is RunState.CANCELED else RuntimeState(state.value)


def task_state(state: TaskState) -> RuntimeState:
    """KFP's state of a task."""
    return _TASK_STATES.get(state) or RuntimeState(state.value)


def run(found: Run, document: Mapping[str, Any] | None = None) -> V2beta1Run:
    """One run, with its tasks if `found` has them. `document` is the stored spec; it is included
    only for a run without a pipeline version."""
    reference = version_reference(found.pipeline)
    details = list(_details(found.tasks or (), found.run_id))
    return V2beta1Run(
        experiment_id=str(found.experiment_id),
        run_id=str(found.run_id),
        display_name=found.display_name,
        storage_state=StorageState.ARCHIVED if found.archived else StorageState.AVAILABLE,
        description=found.description,
        pipeline_spec=spec(document) if document and reference is None else None,
        pipeline_version_reference=reference,
        runtime_config=runtime_config(found.parameters, found.pipeline_root),
        service_account=found.service_account,
        created_at=found.created_at,
        scheduled_at=found.scheduled_at or found.created_at,
        finished_at=found.finished_at or EPOCH,
        state=run_state(found.state),
        error=_error(found),
        run_details=V2beta1RunDetails(task_details=details) if details else None,
        recurring_run_id=str(found.recurring_run_id or ""),
        state_history=[
            V2beta1RuntimeStatus(update_time=change.at, state=run_state(change.state))
            for change in found.state_history
        ],
    )


def runs(found: RunPage) -> V2beta1ListRunsResponse:
    """A page of runs."""
    return V2beta1ListRunsResponse(
        runs=[run(one) for one in found.runs],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def version_reference(found: PipelineIdentity) -> V2beta1PipelineVersionReference | None:
    """The pipeline version of a run, if it was submitted from one."""
    if found.pipeline_version_id is None:
        return None
    return V2beta1PipelineVersionReference(
        pipeline_id=str(found.pipeline_id), pipeline_version_id=str(found.pipeline_version_id)
    )


def runtime_config(
    parameters: Mapping[str, Any], pipeline_root: str | None
) -> V2beta1RuntimeConfig | None:
    """The parameters and output location of a run; None without either."""
    if not parameters and not pipeline_root:
        return None
    return V2beta1RuntimeConfig(parameters=dict(parameters), pipeline_root=pipeline_root or "")


def _error(found: Run) -> GoogleRpcStatus | None:
    if found.state is RunState.CANCELED:
        return GoogleRpcStatus(code=_CANCELED, message="the run was terminated")
    if found.error is None:
        return None
    return GoogleRpcStatus(code=_UNKNOWN, message=found.error.message)


def _details(tasks: Sequence[Task], run_id: UUID) -> Iterator[V2beta1PipelineTaskDetail]:
    children: defaultdict[UUID, list[PipelineTaskDetailChildTask]] = defaultdict(list)
    for task in tasks:
        if task.parent_task_id is not None:
            child = PipelineTaskDetailChildTask(task_id=str(task.task_id))
            children[task.parent_task_id].append(child)
    for task in tasks:
        yield task_detail(task, run_id, children.get(task.task_id, []))


def task_detail(
    found: Task, run_id: UUID, children: list[PipelineTaskDetailChildTask]
) -> V2beta1PipelineTaskDetail:
    """One task, with references to the tasks inside it."""
    return V2beta1PipelineTaskDetail(
        run_id=str(run_id),
        task_id=str(found.task_id),
        display_name=found.display_name,
        create_time=found.created_at,
        start_time=found.started_at or EPOCH,
        end_time=found.finished_at or EPOCH,
        executor_detail=_jobs(found),
        state=task_state(found.state),
        error=task_error(found),
        inputs=_artifact_ids(found.inputs.artifacts),
        outputs=_artifact_ids(found.outputs.artifacts),
        parent_task_id=str(found.parent_task_id or ""),
        state_history=task_history(found),
        pod_name=found.place or "",
        child_tasks=children,
    )


def task_error(found: Task) -> GoogleRpcStatus | None:
    """Why a task failed."""
    if found.error is None:
        return None
    return GoogleRpcStatus(code=_UNKNOWN, message=found.error.message)


def task_history(found: Task) -> list[V2beta1RuntimeStatus]:
    """The states of a task whose times are known."""
    state = task_state(found.state)
    known: list[tuple[RuntimeState, datetime]] = [(RuntimeState.PENDING, found.created_at)]
    if found.started_at is not None:
        known.append((RuntimeState.RUNNING, found.started_at))
    if found.finished_at is not None:
        known.append((state, found.finished_at))
    if known[-1][0] is not state:
        known.append((state, known[-1][1]))
    return [V2beta1RuntimeStatus(update_time=at, state=one) for one, at in known]


def _jobs(found: Task) -> V2beta1PipelineTaskExecutorDetail | None:
    """The names of the attempts: the latest one, and the failed ones before it."""
    if found.kind is not TaskKind.STEP or not found.attempt or found.origin is not None:
        return None
    names = [f"{found.task_id}-{number}" for number in range(1, found.attempt + 1)]
    return V2beta1PipelineTaskExecutorDetail(main_job=names[-1], failed_main_jobs=names[:-1])


def _artifact_ids(
    artifacts: Mapping[str, Sequence[Artifact]],
) -> dict[str, V2beta1ArtifactList]:
    return {
        name: V2beta1ArtifactList(
            artifact_ids=[str(one.artifact_id) for one in given if one.artifact_id]
        )
        for name, given in artifacts.items()
    }


def submit_request(body: V2beta1Run, namespace: str, experiment_id: str = "") -> SubmitRun:
    """The request to submit the run that a client posts. `experiment_id` is used if the body has
    none.

    Raises:
        RejectedError: the body is invalid, or uses something that Headrace does not support.
    """
    fields = {**common_fields(body), "namespace": namespace}
    if "experiment_id" not in fields and experiment_id:
        fields["experiment_id"] = experiment_id
    try:
        return SubmitRun.model_validate(fields)
    except ValidationError as error:
        raise first_validation_error(error) from None


def common_fields(body: V2beta1Run | V2beta1RecurringRun) -> dict[str, Any]:
    """The fields that requests for runs and for recurring runs share, without the empty ones.

    Raises:
        RejectedError: the body has plugin inputs, or a version without its pipeline.
    """
    if body.plugins_input:
        raise invalid("plugins_input is not supported", "plugins_input")
    reference = body.pipeline_version_reference
    if body.pipeline_version_id and reference is None:
        raise invalid(
            "pipeline_version_id does not name the pipeline; use pipeline_version_reference",
            "pipeline_version_id",
        )
    if reference is not None and not reference.pipeline_id:
        raise invalid(
            "pipeline_version_reference has no pipeline_id",
            "pipeline_version_reference.pipeline_id",
        )
    config = body.runtime_config or V2beta1RuntimeConfig()
    fields = {
        "pipeline_spec": body.pipeline_spec,
        "pipeline": None if reference is None else reference.to_dict(),
        "experiment_id": body.experiment_id,
        "display_name": body.display_name,
        "description": body.description,
        "service_account": body.service_account,
        "parameters": config.parameters,
        "pipeline_root": config.pipeline_root,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", {})}

"""From rows to the resources that are given out."""

from __future__ import annotations

from datetime import datetime

from headrace_contracts.failures import Failure
from headrace_contracts.resources import Run, StateChange, Task
from headrace_contracts.states import RunState
from headrace_contracts.values import Inputs, Outputs

from headrace_recorder.core.projection import RunRow, TaskRow

_KEPT = (
    "run_id",
    "namespace",
    "experiment_id",
    "display_name",
    "description",
    "pipeline",
    "parameters",
    "pipeline_root",
    "service_account",
)


def run_view(row: RunRow, version: int, tasks: list[TaskRow] | None) -> Run:
    """A run as it is shown; without `tasks`, as in a list."""
    assert row.submission is not None
    moments = {state: datetime.fromisoformat(at) for state, at in row.history.items()}
    return Run(
        **{name: row.submission[name] for name in _KEPT},
        state=row.state,
        state_history=tuple(
            StateChange(state=RunState(state), at=at)
            for state, at in sorted(moments.items(), key=lambda item: item[1])
        ),
        error=None if row.failure is None else Failure.model_validate(row.failure),
        outputs=Outputs.model_validate(row.outputs or {}),
        created_at=row.submission["submitted_at"],
        started_at=moments.get(RunState.RUNNING),
        finished_at=moments.get(row.state) if row.state.final else None,
        version=version,
        tasks=None if tasks is None else tuple(task_view(task) for task in tasks),
    )


def task_view(row: TaskRow) -> Task:
    """A task as it is shown."""
    assert row.plan is not None
    finished = row.finished_at if row.state.final else None
    return Task(
        **{key: value for key, value in row.plan.items() if value is not None},
        state=row.state,
        detail=row.detail,
        attempt=row.attempt,
        inputs=Inputs.model_validate(row.inputs or {}),
        outputs=Outputs.model_validate(row.outputs or {}),
        error=None if row.failure is None else Failure.model_validate(row.failure),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=finished,
        has_log=row.log is not None,
    )

"""The resources `Run` and `Task`, made from rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from headrace_contracts.failures import Failure
from headrace_contracts.messages.events import Origin
from headrace_contracts.resources import Run, StateChange, Task
from headrace_contracts.states import RunState, TaskKind
from headrace_contracts.values import Inputs, Outputs

from headrace_recorder.core.rows import RunRow, TaskRow

_SUBMITTED_FIELDS = (
    "run_id",
    "namespace",
    "experiment_id",
    "display_name",
    "description",
    "pipeline",
    "parameters",
    "pipeline_root",
    "service_account",
    "priority",
    "recurring_run_id",
    "scheduled_at",
)
"""The fields of a run that are those of its submission."""


def run_view(
    row: RunRow, version: int, tasks: Sequence[Task] | None, metrics: Mapping[str, float]
) -> Run:
    """A run as a resource; `tasks` is None in lists."""
    assert row.submission is not None
    changes = [
        StateChange(state=RunState(state), at=datetime.fromisoformat(at))
        for _, (state, at) in sorted(row.history.items(), key=lambda item: int(item[0]))
    ]
    shown = row.state is row.latest
    if not shown:
        changes.pop()
    rerun = row.submission.get("rerun") or {}
    return Run(
        **{name: row.submission.get(name) for name in _SUBMITTED_FIELDS},
        rerun_of=rerun.get("run_id"),
        archived=row.archived,
        state=row.state,
        state_history=tuple(changes),
        error=Failure.model_validate(row.failure) if shown and row.failure else None,
        outputs=Outputs.model_validate((shown and row.outputs) or {}),
        metrics=dict(metrics),
        created_at=row.submission["submitted_at"],
        started_at=next((one.at for one in changes if one.state is RunState.RUNNING), None),
        finished_at=changes[-1].at if row.state.final else None,
        version=version,
        tasks=None if tasks is None else tuple(tasks),
    )


def in_graph_order(tasks: Sequence[Task]) -> list[Task]:
    """The tasks sorted so that each comes before the tasks inside it and those that depend on it.
    A task whose parent is not in `tasks` is sorted with the children of the root."""
    known = {task.task_id for task in tasks}
    children: defaultdict[UUID | None, list[Task]] = defaultdict(list)
    for task in tasks:
        children[task.parent_task_id if task.parent_task_id in known else None].append(task)
    ordered: list[Task] = []
    pending = _last_first(children[None])
    while pending:
        task = pending.pop()
        ordered.append(task)
        pending += _last_first(children[task.task_id])
    return ordered


def _last_first(tasks: list[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: task.position, reverse=True)


def task_view(row: TaskRow, *, in_run: bool = True) -> Task:
    """A task as a resource; within its run (`in_run`) it does not repeat the run's id."""
    assert row.plan is not None
    finished = row.finished_at if row.state.final else None
    return Task(
        **{key: value for key, value in row.plan.items() if value is not None},
        run_id=None if in_run else row.run_id,
        state=row.state,
        detail=row.detail,
        attempt=row.attempt,
        inputs=Inputs.model_validate(row.inputs or {}),
        outputs=Outputs.model_validate(row.outputs or {}),
        error=None if row.failure is None else Failure.model_validate(row.failure),
        origin=None if row.origin is None else Origin.model_validate(row.origin),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=finished,
        has_log=_has_log(row),
        place=row.place,
    )


def _has_log(row: TaskRow) -> bool:
    """A step that reused outputs has the log of the task that made them."""
    assert row.plan is not None
    reused = row.origin is not None and row.plan.get("kind") == TaskKind.STEP
    return row.log is not None or row.log_text is not None or reused

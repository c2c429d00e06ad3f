"""From rows to the resources that are given out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.events import Origin
from headrace_contracts.failures import Failure, RejectionCode
from headrace_contracts.rerun import EarlierTask, taken_over
from headrace_contracts.resources import Run, StateChange, Task
from headrace_contracts.states import RunState, TaskKind
from headrace_contracts.values import Inputs, Outputs
from headrace_runtime.errors import RejectedError

from headrace_recorder.core.cache import closest, differences
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
    "priority",
    "recurring_run_id",
    "scheduled_at",
)


def missing(message: str) -> RejectedError:
    """What was asked for is not there, or not for the caller."""
    return RejectedError.because(RejectionCode.NOT_FOUND, message)


def run_view(
    row: RunRow, version: int, tasks: Sequence[Task] | None, metrics: Mapping[str, float]
) -> Run:
    """A run as it is shown; without `tasks`, as in a list."""
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
        **{name: row.submission.get(name) for name in _KEPT},
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


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """The tasks as the graph is read: each before those inside it and those that depend on it.
    One whose parent is not among them stands with those of the root."""
    known = {task.task_id for task in tasks}
    inside: defaultdict[UUID | None, list[Task]] = defaultdict(list)
    for task in tasks:
        inside[task.parent_task_id if task.parent_task_id in known else None].append(task)
    ordered: list[Task] = []
    pending = _last_first(inside[None])
    while pending:
        task = pending.pop()
        ordered.append(task)
        pending += _last_first(inside[task.task_id])
    return ordered


def _last_first(tasks: list[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: task.position, reverse=True)


def task_view(row: TaskRow, *, in_run: bool = True) -> Task:
    """A task as it is shown, within its run or on its own."""
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
        has_log=row.log is not None or row.log_text is not None,
    )


def preview(tasks: Sequence[Task], chosen: Collection[str]) -> dict[str, Any]:
    """What a new run from the chosen tasks takes over, and what it runs.

    Raises:
        RejectedError: there is no such task.
    """
    paths = {task.path for task in tasks}
    for path in chosen:
        if path not in paths:
            raise RejectedError.because(
                RejectionCode.NOT_FOUND, f"the run has no task {path!r}", "task"
            )
    graph = [
        EarlierTask(
            task_id=task.task_id,
            path=task.path,
            kind=task.kind,
            state=task.state,
            position=task.position,
            parent_id=task.parent_task_id,
            dependencies=task.dependencies,
        )
        for task in tasks
    ]
    taken = taken_over(graph, chosen)
    steps = [task for task in tasks if task.kind is TaskKind.STEP]
    return {
        "reuse": [_named(task) for task in steps if task.task_id in taken],
        "run": [_named(task) for task in steps if task.task_id not in taken],
    }


def _named(task: Task) -> dict[str, Any]:
    return {"task_id": str(task.task_id), "path": task.path, "display_name": task.display_name}


def cache_view(row: TaskRow, earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Why a task was, or was not, taken from the cache. `earlier` are executions of the same
    component, newest first."""
    origin = row.origin or {}
    hit = origin.get("kind") == "cache"
    view: dict[str, Any] = {"hit": hit, "used": row.fingerprint is not None}
    if row.fingerprint is None:
        view["reason"] = "the task does not use the cache, or has not had its turn"
        return view
    view |= {"fingerprint": row.fingerprint["digest"], "parts": row.fingerprint["parts"]}
    if hit:
        return {**view, "origin": origin, "reason": "an equal execution was found"}
    before = [one for one in earlier if row.created_at and one["created_at"] <= row.created_at]
    place = closest(row.fingerprint["parts"], [one["fingerprint"]["parts"] for one in before])
    if place is None:
        return {**view, "reason": "no earlier execution of this component is known"}
    found = before[place]
    differing = differences(row.fingerprint["parts"], found["fingerprint"]["parts"])
    names = ", ".join(one["part"] for one in differing)
    return {
        **view,
        "closest": {"run_id": str(found["run_id"]), "task_id": str(found["task_id"])},
        "differs": differing,
        "reason": f"differs from the closest earlier execution in: {names}"
        if differing
        else "the earlier execution has not succeeded, or its outputs are gone",
    }

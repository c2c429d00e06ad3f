"""Runs in Postgres, and the most recent ones in memory.

Invariant: a run in memory is used only when its version is that of the locked row, and only
goes back to memory after its transaction has committed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from headrace_contracts.events import RunSubmitted
from headrace_contracts.failures import Failure
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import BlobRef, Outputs
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Unit
from headrace_runtime.pg.queries import load_queries

from headrace_scheduler.core.plan import Plan, plan
from headrace_scheduler.core.run import Run, RunHeader, TaskRecord

_QUERIES = load_queries("headrace_scheduler")
_RUNS_IN_MEMORY = 256
_PLANS_IN_MEMORY = 128

PlanOf = Callable[[BlobRef], Awaitable[Plan]]


class Plans:
    """Plans by the digest of their spec, read from object storage when they are not at hand."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    async def get(self, spec: BlobRef) -> Plan:
        """The plan of a frozen spec."""
        known = self._plans.get(spec.sha256)
        if known is None:
            body = await self._objects.get(spec.key)
            known = plan(PipelineDocument.model_validate_json(body))
            self._plans[spec.sha256] = known
            if len(self._plans) > _PLANS_IN_MEMORY:
                self._plans.popitem(last=False)
        self._plans.move_to_end(spec.sha256)
        return known


class RunStore:
    """Loads and saves runs within a unit."""

    def __init__(self, plan_of: PlanOf) -> None:
        self._plan_of = plan_of
        self._memory: OrderedDict[UUID, tuple[int, Run]] = OrderedDict()

    async def lock(self, unit: Unit, run_ids: Iterable[UUID]) -> dict[UUID, tuple[int, Run]]:
        """The known runs of these ids, locked, each with its version. They leave the memory until
        `remember`, so that a failed transaction cannot leave a changed copy behind."""
        ids = list(run_ids)
        rows = await unit.connection.fetch(_QUERIES["lock_runs"], ids)
        locked: dict[UUID, tuple[int, Run]] = {}
        stale: dict[UUID, int] = {}
        for row in rows:
            run_id, version = row["run_id"], row["version"]
            kept = self._memory.pop(run_id, None)
            if kept is not None and kept[0] == version:
                locked[run_id] = kept
            else:
                stale[run_id] = version
        if stale:
            for run in await self._load(unit, list(stale)):
                run_id = run.submission.run_id
                locked[run_id] = (stale[run_id], run)
        return locked

    async def create(self, unit: Unit, submission: RunSubmitted) -> Run:
        """A new run and its tasks."""
        run = Run.fresh(submission, await self._plan_of(submission.spec))
        await unit.connection.execute(
            _QUERIES["insert_runs"], [submission.run_id], [run.header.state], [submission]
        )
        tasks = list(run.tasks.values())
        await unit.connection.execute(
            _QUERIES["insert_tasks"],
            [submission.run_id] * len(tasks),
            [task.task_id for task in tasks],
            [task.name for task in tasks],
            *_columns(tasks),
        )
        return run

    async def save(self, unit: Unit, runs: Sequence[Run], tasks: Sequence[TaskRecord]) -> None:
        """Write the changed runs and tasks, two statements however many there are."""
        if tasks:
            await unit.connection.execute(
                _QUERIES["update_tasks"], [task.task_id for task in tasks], *_columns(tasks)
            )
        if runs:
            await unit.connection.execute(
                _QUERIES["update_runs"],
                [run.submission.run_id for run in runs],
                [run.header.state for run in runs],
                [run.header.failure for run in runs],
                [run.header.cancel_reason for run in runs],
            )

    def remember(self, version: int, run: Run) -> None:
        """Keep a run whose transaction has committed; one that has ended is not needed again."""
        run_id = run.submission.run_id
        if run.header.state.final:
            self._memory.pop(run_id, None)
            return
        self._memory[run_id] = (version, run)
        if len(self._memory) > _RUNS_IN_MEMORY:
            self._memory.popitem(last=False)

    async def silent(self, unit: Unit, seconds: float) -> dict[UUID, set[UUID]]:
        """Launched tasks that nothing was heard of, by run; they count as heard from now on."""
        from datetime import timedelta

        rows = await unit.connection.fetch(_QUERIES["silent_tasks"], timedelta(seconds=seconds))
        found: dict[UUID, set[UUID]] = {}
        for row in rows:
            found.setdefault(row["run_id"], set()).add(row["task_id"])
        return found

    async def _load(self, unit: Unit, run_ids: list[UUID]) -> list[Run]:
        rows = await unit.connection.fetch(_QUERIES["load_runs"], run_ids)
        tasks: dict[UUID, list[TaskRecord]] = {run_id: [] for run_id in run_ids}
        for row in await unit.connection.fetch(_QUERIES["load_tasks"], run_ids):
            tasks[row["run_id"]].append(_task(row))
        runs = []
        for row in rows:
            submission = RunSubmitted.model_validate(row["submission"])
            header = RunHeader(
                RunState(row["state"]), _failure(row["failure"]), row["cancel_reason"]
            )
            planned = await self._plan_of(submission.spec)
            runs.append(Run(submission, planned, header, tasks[row["run_id"]]))
        return runs


def _columns(tasks: Sequence[TaskRecord]) -> tuple[list[Any], ...]:
    return (
        [task.state for task in tasks],
        [task.attempt for task in tasks],
        [task.lost for task in tasks],
        [task.outputs for task in tasks],
        [task.failure for task in tasks],
    )


def _task(row: Any) -> TaskRecord:
    return TaskRecord(
        task_id=row["task_id"],
        name=row["name"],
        state=TaskState(row["state"]),
        attempt=row["attempt"],
        lost=row["lost"],
        outputs=Outputs.model_validate(row["outputs"]),
        failure=_failure(row["failure"]),
    )


def _failure(value: Any) -> Failure | None:
    return None if value is None else Failure.model_validate(value)

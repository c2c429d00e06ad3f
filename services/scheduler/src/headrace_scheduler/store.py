"""Runs in Postgres, and the most recent ones in memory.

Invariant: a run in memory is used only when its version is that of the locked row, and only
goes back to memory after its transaction has committed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.events import Rerun, RunLimits, RunSubmitted
from headrace_contracts.failures import Failure
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.rerun import EarlierTask, taken_over
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import BlobRef, Inputs, Outputs
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Connection, ReadConnection, Unit
from headrace_runtime.pg.queries import load_queries

from headrace_scheduler.core.admission import Queued
from headrace_scheduler.core.draft import planned_task
from headrace_scheduler.core.plan import Plan, plan
from headrace_scheduler.core.run import NO_INPUTS, NO_OUTPUTS, Node, Run, RunHeader, TaskRecord

_QUERIES = load_queries("headrace_scheduler")
_TASKS_IN_MEMORY = 100_000
"""Some 100 MB at most; a run that does not fit is read anew for each batch."""
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
            known = plan(PipelineDocument.model_validate_json(body), self._objects.uri(""))
            self._plans[spec.sha256] = known
            if len(self._plans) > _PLANS_IN_MEMORY:
                self._plans.popitem(last=False)
        self._plans.move_to_end(spec.sha256)
        return known


@dataclass(slots=True)
class Locked:
    """A run whose row is locked. A deleted run has none."""

    version: int
    run: Run | None


class RunStore:
    """Loads and saves runs within a unit."""

    def __init__(self, plan_of: PlanOf) -> None:
        self._plan_of = plan_of
        self._memory: OrderedDict[UUID, tuple[int, Run]] = OrderedDict()
        self._tasks_in_memory = 0

    async def lock(
        self, unit: Unit, run_ids: Iterable[UUID], whole: Collection[UUID] = ()
    ) -> dict[UUID, Locked]:
        """The known runs of these ids, locked; those in `whole` with every task they ever had.
        They leave the memory until `remember`, so that a failed transaction cannot leave a changed
        copy behind."""
        locked: dict[UUID, Locked] = {}
        for row in await unit.connection.fetch(_QUERIES["lock_runs"], list(run_ids)):
            run_id, version = row["run_id"], row["version"]
            kept = self._take(run_id)
            current = kept is not None and kept[0] == version and run_id not in whole
            locked[run_id] = Locked(version, kept[1] if kept and current else None)
            if row["deleted"]:
                locked[run_id].run = None
        missing = [run_id for run_id, found in locked.items() if found.run is None]
        if missing:
            for run in await self._load(unit.connection, missing, whole):
                locked[run.run_id].run = run
        return locked

    async def load_whole(self, connection: Connection, run_id: UUID) -> Run | None:
        """A run with every task it ever had, not locked."""
        found = await self._load(connection, [run_id], {run_id})
        return found[0] if found else None

    async def create(self, unit: Unit, submission: RunSubmitted) -> Run:
        """A new run, and what it may take over from the one that it runs anew."""
        run = Run.fresh(submission, await self._plan_of(submission.spec))
        await unit.connection.execute(
            _QUERIES["insert_run"],
            submission.run_id,
            submission.namespace,
            str(submission.pipeline.pipeline_id or submission.pipeline.name),
            submission.priority,
            run.header.state,
            _header(run.header),
            submission,
        )
        if submission.rerun is not None:
            await self._take_over(unit.connection, submission, submission.rerun)
        return run

    async def _take_over(
        self, connection: Connection, submission: RunSubmitted, rerun: Rerun
    ) -> None:
        """Keep what the run may take from the one that it runs anew."""
        earlier = await self.load_whole(connection, rerun.run_id)
        nodes = {} if earlier is None else earlier.nodes
        taken = taken_over(map(_earlier, nodes.values()), rerun.tasks)
        records = [nodes[task_id].record for task_id in taken]
        await connection.execute(
            _QUERIES["insert_reusable"],
            submission.run_id,
            rerun.run_id,
            [record.path for record in records],
            [record.fingerprint for record in records],
            [record.task_id for record in records],
            [record.outputs for record in records],
        )

    async def save(
        self, unit: Unit, runs: Sequence[Run], tasks: Sequence[tuple[UUID, TaskRecord]]
    ) -> None:
        """Write changed runs and tasks, two statements however many there are."""
        if tasks:
            records = [record for _, record in tasks]
            await unit.connection.execute(
                _QUERIES["save_tasks"],
                [record.task_id for record in records],
                [run_id for run_id, _ in tasks],
                *([getattr(record, name) for record in records] for name in _COLUMNS),
            )
        if runs:
            await unit.connection.execute(
                _QUERIES["save_runs"],
                [run.run_id for run in runs],
                [run.header.state for run in runs],
                [_header(run.header) for run in runs],
                [run.header.deadline_at for run in runs],
            )

    async def delete(self, unit: Unit, run_id: UUID) -> None:
        """Leave nothing of a run but the mark that it was deleted."""
        await unit.connection.execute(_QUERIES["delete_tasks"], run_id)
        await unit.connection.execute(_QUERIES["delete_run"], run_id)

    def remember(self, version: int, run: Run) -> None:
        """Keep a run whose transaction has committed; one that has ended is not needed again."""
        self._take(run.run_id)
        if run.header.state.final:
            return
        self._memory[run.run_id] = (version, run)
        self._tasks_in_memory += len(run.nodes)
        while self._tasks_in_memory > _TASKS_IN_MEMORY:
            self._take(next(iter(self._memory)))

    def _take(self, run_id: UUID) -> tuple[int, Run] | None:
        kept = self._memory.pop(run_id, None)
        if kept is not None:
            self._tasks_in_memory = sum(len(run.nodes) for _, run in self._memory.values())
        return kept

    async def silent(self, unit: Unit, seconds: float) -> dict[UUID, set[UUID]]:
        """Launched tasks that nothing was heard of, by run; they count as heard from now on."""
        rows = await unit.connection.fetch(_QUERIES["silent_tasks"], timedelta(seconds=seconds))
        found: dict[UUID, set[UUID]] = {}
        for row in rows:
            found.setdefault(row["run_id"], set()).add(row["task_id"])
        return found

    async def _load(
        self, connection: Connection, run_ids: Sequence[UUID], whole: Collection[UUID]
    ) -> list[Run]:
        rows = await connection.fetch(_QUERIES["load_runs"], list(run_ids))
        plans: dict[UUID, Plan] = {}
        submissions: dict[UUID, RunSubmitted] = {}
        for row in rows:
            submission = RunSubmitted.model_validate(row["submission"])
            submissions[submission.run_id] = submission
            plans[submission.run_id] = await self._plan_of(submission.spec)
        all_of = [i for i, found in plans.items() if i in whole or found.retries_dags]
        tasks: dict[UUID, list[TaskRecord]] = {run_id: [] for run_id in plans}
        for query, ids in (
            ("load_all_tasks", all_of),
            ("load_tasks", [i for i in plans if i not in all_of]),
        ):
            for task in await connection.fetch(_QUERIES[query], ids) if ids else ():
                tasks[task["run_id"]].append(_record(task))
        return [
            Run(
                submissions[row["run_id"]],
                plans[row["run_id"]],
                _read_header(row),
                tasks[row["run_id"]] or Run.fresh_records(row["run_id"]),
            )
            for row in rows
        ]


def _earlier(node: Node) -> EarlierTask:
    planned = planned_task(node)
    return EarlierTask(
        task_id=planned.task_id,
        path=planned.path,
        kind=planned.kind,
        state=node.record.state,
        position=planned.position,
        parent_id=node.record.parent_id,
        dependencies=planned.dependencies,
    )


async def queued(connection: Connection, namespace: str) -> list[Queued]:
    """The runs of a namespace that wait for their turn, in order."""
    rows = await connection.fetch(_QUERIES["queued_runs"], namespace)
    return [
        Queued(row["run_id"], row["pipeline"], RunLimits.model_validate(row["limits"] or {}))
        for row in rows
    ]


async def active(connection: Connection, namespace: str) -> dict[str, int]:
    """How many runs of each pipeline are active. Admissions wait for each other from here on."""
    await connection.execute(_QUERIES["lock_namespace"], namespace)
    rows = await connection.fetch(_QUERIES["active_runs"], namespace)
    return {row["pipeline"]: row["runs"] for row in rows}


async def due(connection: ReadConnection, now: datetime) -> list[tuple[UUID, UUID | None]]:
    """Runs with a task whose pause is over, or (None) whose deadline has passed."""
    rows = await connection.fetch(_QUERIES["due"], now)
    return [(row["run_id"], row["task_id"]) for row in rows]


async def purge(connection: ReadConnection, keep_hours: float) -> None:
    """Forget deleted runs for good."""
    await connection.execute(_QUERIES["purge_deleted"], timedelta(hours=keep_hours))


_COLUMNS = tuple(field.name for field in fields(TaskRecord) if field.name != "task_id")
"""The columns of a task behind its id and its run's, in the order of the query."""


def _record(row: Any) -> TaskRecord:
    values = {name: row[name] for name in ("task_id", *_COLUMNS)}
    values["state"] = TaskState(row["state"])
    values["inputs"] = Inputs.model_validate(row["inputs"]) if row["inputs"] else NO_INPUTS
    values["outputs"] = Outputs.model_validate(row["outputs"]) if row["outputs"] else NO_OUTPUTS
    values["failure"] = _failure(row["failure"])
    return TaskRecord(**values)


def _header(header: RunHeader) -> dict[str, Any]:
    return {
        "revision": header.revision,
        "cancel_reason": header.cancel_reason,
        "forced": header.forced,
        "expired": header.expired,
        "failure": None if header.failure is None else header.failure.model_dump(mode="json"),
    }


def _read_header(row: Any) -> RunHeader:
    kept = {**row["header"], "failure": _failure(row["header"]["failure"])}
    return RunHeader(state=RunState(row["state"]), deadline_at=row["deadline_at"], **kept)


def _failure(value: Any) -> Failure | None:
    return None if value is None else Failure.model_validate(value)

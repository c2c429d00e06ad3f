"""Runs in Postgres, with the most recently used ones in memory.

Invariant: a run in memory is used only if its version equals that of the locked row, and it returns
to memory only after its transaction has committed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Failure
from headrace_contracts.messages.events import Rerun, RunLimits, RunSubmitted
from headrace_contracts.rerun import EarlierTask, reused_steps
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import BlobRef, Inputs, Outputs
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Connection, ReadConnection, Unit
from headrace_runtime.pg.queries import load_queries

from headrace_scheduler.core.admission import Queued
from headrace_scheduler.core.draft import planned_task
from headrace_scheduler.core.plan import Plan
from headrace_scheduler.core.run import NO_INPUTS, NO_OUTPUTS, Node, Run, RunHeader, TaskRecord
from headrace_scheduler.plans import Plans, PlansMissingError

_QUERIES = load_queries("headrace_scheduler")
_TASKS_IN_MEMORY = 100_000
"""At most about 100 MB; a run that does not fit is loaded for each batch."""


@dataclass(slots=True)
class Locked:
    """A run whose row is locked; `run` is None if it is deleted."""

    version: int
    run: Run | None


class RunStore:
    """Loads and saves runs within a transaction. Methods raise `PlansMissingError` when a plan that
    they need is not in memory."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._memory: OrderedDict[UUID, tuple[int, Run]] = OrderedDict()
        self._tasks_in_memory = 0

    async def lock(
        self, unit: Unit, run_ids: Iterable[UUID], whole: Collection[UUID] = ()
    ) -> dict[UUID, Locked]:
        """Those of the runs that exist, locked; the ones in `whole` with all tasks that they ever
        had. They are removed from memory until `remember`, so that a failed transaction cannot
        leave a changed copy in memory."""
        locked: dict[UUID, Locked] = {}
        plans: dict[UUID, Plan] = {}
        for row in await unit.connection.fetch(_QUERIES["lock_runs"], list(run_ids)):
            run_id, version = row["run_id"], row["version"]
            known = self._pop(run_id)
            current = known is not None and known[0] == version and run_id not in whole
            locked[run_id] = Locked(version, known[1] if known and current else None)
            if known is not None:
                plans[run_id] = known[1].plan
            if row["deleted"]:
                locked[run_id].run = None
        missing = [run_id for run_id, found in locked.items() if found.run is None]
        if missing:
            for run in await self._load(unit.connection, missing, whole, plans):
                locked[run.run_id].run = run
        return locked

    async def create(self, unit: Unit, submission: RunSubmitted) -> Run:
        """Insert a new run and, for a rerun, the outputs that it may take from the earlier run."""
        plan = self._plans.get(submission.spec)
        if plan is None:
            raise PlansMissingError({submission.run_id: submission.spec})
        run = Run.fresh(submission, plan)
        if not await self._insert(unit.connection, submission, run.header):
            raise RetryableError(f"another process is creating run {submission.run_id}")
        if submission.rerun is not None:
            await self._insert_reusable(unit.connection, submission, submission.rerun)
        return run

    async def create_failed(
        self, unit: Unit, submission: RunSubmitted, failure: Failure
    ) -> RunHeader | None:
        """Insert a new run that has failed before its start; returns None if it exists already."""
        header = RunHeader(state=RunState.FAILED, revision=1, failure=failure)
        inserted = await self._insert(unit.connection, submission, header)
        return header if inserted else None

    async def _insert(
        self, connection: Connection, submission: RunSubmitted, header: RunHeader
    ) -> bool:
        done = await connection.execute(
            _QUERIES["insert_run"],
            submission.run_id,
            submission.namespace,
            str(submission.pipeline.pipeline_id or submission.pipeline.name),
            submission.priority,
            header.state,
            _header(header),
            submission,
        )
        return done == "INSERT 0 1"

    async def _insert_reusable(
        self, connection: Connection, submission: RunSubmitted, rerun: Rerun
    ) -> None:
        try:
            earlier = await self._load(connection, [rerun.run_id], {rerun.run_id}, {})
        except PlansMissingError as error:  # it is the new run that needs the earlier one's plan
            raise PlansMissingError({submission.run_id: error.specs[rerun.run_id]}) from None
        nodes = earlier[0].nodes if earlier else {}
        taken = reused_steps(map(_earlier_task, nodes.values()), rerun.tasks)
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
        """Write changed runs and tasks, with two statements in total."""
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

    async def delete(self, unit: Unit, run_id: UUID) -> list[tuple[UUID, int]]:
        """Delete a run, leaving a row that marks it as deleted. Returns the tasks that were
        launched, with the attempt."""
        rows = await unit.connection.fetch(_QUERIES["delete_tasks"], run_id)
        await unit.connection.execute(_QUERIES["delete_run"], run_id)
        return [(row["task_id"], row["attempt"]) for row in rows if row["state"] == TaskState.READY]

    def remember(self, version: int, run: Run) -> None:
        """Keep a run in memory, unless it has ended; its transaction must have committed."""
        self._pop(run.run_id)
        if run.header.state.final:
            return
        self._memory[run.run_id] = (version, run)
        self._tasks_in_memory += len(run.nodes)
        while self._tasks_in_memory > _TASKS_IN_MEMORY:
            self._pop(next(iter(self._memory)))

    def _pop(self, run_id: UUID) -> tuple[int, Run] | None:
        """Remove a run from memory; returns its version and the run."""
        found = self._memory.pop(run_id, None)
        if found is not None:
            self._tasks_in_memory = sum(len(run.nodes) for _, run in self._memory.values())
        return found

    async def silent(self, unit: Unit, seconds: float) -> dict[UUID, set[UUID]]:
        """Launched tasks without events for `seconds`, by run; resets their time."""
        rows = await unit.connection.fetch(_QUERIES["silent_tasks"], timedelta(seconds=seconds))
        found: dict[UUID, set[UUID]] = {}
        for row in rows:
            found.setdefault(row["run_id"], set()).add(row["task_id"])
        return found

    async def _load(
        self,
        connection: Connection,
        run_ids: Sequence[UUID],
        whole: Collection[UUID],
        known_plans: Mapping[UUID, Plan],
    ) -> list[Run]:
        rows = await connection.fetch(_QUERIES["load_runs"], list(run_ids))
        plans: dict[UUID, Plan] = {}
        missing: dict[UUID, BlobRef] = {}
        submissions: dict[UUID, RunSubmitted] = {}
        for row in rows:
            submission = RunSubmitted.model_validate(row["submission"])
            run_id = submission.run_id
            submissions[run_id] = submission
            plan = known_plans.get(run_id) or self._plans.get(submission.spec)
            if plan is None:
                missing[run_id] = submission.spec
            else:
                plans[run_id] = plan
        if missing:
            raise PlansMissingError(missing)
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


def _earlier_task(node: Node) -> EarlierTask:
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
    """The queued runs of a namespace, in the order of admission."""
    rows = await connection.fetch(_QUERIES["queued_runs"], namespace)
    return [
        Queued(row["run_id"], row["pipeline"], RunLimits.model_validate(row["limits"] or {}))
        for row in rows
    ]


async def active(connection: Connection, namespace: str) -> dict[str, int]:
    """The number of active runs by pipeline. Locks the namespace against other admissions."""
    await connection.execute(_QUERIES["lock_namespace"], namespace)
    rows = await connection.fetch(_QUERIES["active_runs"], namespace)
    return {row["pipeline"]: row["runs"] for row in rows}


async def due(
    connection: ReadConnection, now: datetime, ignored: Collection[UUID]
) -> list[tuple[UUID, UUID | None]]:
    """Tasks whose pause is over, and runs (with None as task) whose deadline has passed, except
    those of the `ignored` runs."""
    rows = await connection.fetch(_QUERIES["due"], now, ignored)
    return [(row["run_id"], row["task_id"]) for row in rows]


async def stalled_lookups(connection: ReadConnection, seconds: float) -> list[tuple[UUID, UUID]]:
    """Run and task of the lookups that have waited for an answer for `seconds`."""
    rows = await connection.fetch(_QUERIES["stalled_lookups"], timedelta(seconds=seconds))
    return [(row["run_id"], row["task_id"]) for row in rows]


async def queued_namespaces(connection: ReadConnection) -> list[str]:
    """The namespaces that have queued runs."""
    rows = await connection.fetch(_QUERIES["queued_namespaces"])
    return [row["namespace"] for row in rows]


async def purge(connection: ReadConnection, keep_hours: float) -> None:
    """Delete the marks of runs that were deleted more than `keep_hours` ago."""
    await connection.execute(_QUERIES["purge_deleted"], timedelta(hours=keep_hours))


_COLUMNS = tuple(field.name for field in fields(TaskRecord) if field.name != "task_id")
"""The columns of a task after its id and its run's, in the order of the query."""


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
    values = {**row["header"], "failure": _failure(row["header"]["failure"])}
    return RunHeader(state=RunState(row["state"]), deadline_at=row["deadline_at"], **values)


def _failure(value: Any) -> Failure | None:
    return None if value is None else Failure.model_validate(value)

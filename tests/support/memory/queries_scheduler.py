"""The named queries of the scheduler: runs, tasks, the cache and reusable outputs."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.memory.postgres import Key, Row, Statement, answers

_PACKAGE = "headrace_scheduler"
_TASK = (
    "task_id",
    "run_id",
    "parent_id",
    "path",
    "name",
    "iteration",
    "state",
    "attempt",
    "retries",
    "lost",
    "due_at",
    "unreached",
    "inputs",
    "outputs",
    "failure",
    "fingerprint",
)
_UPDATED = _TASK[6:]
_ACTIVE = ("RUNNING", "PAUSED", "CANCELING")


def _columns(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def _rows(s: Statement, table: str) -> list[Row]:
    return [row for _, row in s.rows(table)]


@answers(_PACKAGE, "lock_runs")
def _lock_runs(s: Statement, run_ids: list[UUID]) -> list[Row]:
    found = []
    for run_id in sorted(set(run_ids)):
        row = s.get("run", (run_id,))
        if row is not None:
            s.lock("run", (run_id,))
            found.append(
                _columns(row, "run_id", "version") | {"deleted": row["submission"] is None}
            )
    return found


@answers(_PACKAGE, "load_runs")
def _load_runs(s: Statement, run_ids: list[UUID]) -> list[Row]:
    names = ("run_id", "state", "header", "deadline_at", "submission")
    return [
        _columns(row, *names)
        for row in _rows(s, "run")
        if row["run_id"] in run_ids and row["submission"] is not None
    ]


@answers(_PACKAGE, "load_tasks")
def _load_tasks(s: Statement, run_ids: list[UUID]) -> list[Row]:
    tasks = _rows(s, "task")
    states = {row["task_id"]: row["state"] for row in tasks}
    return [
        row
        for row in tasks
        if row["run_id"] in run_ids and states.get(row["parent_id"]) != "SUCCEEDED"
    ]


@answers(_PACKAGE, "load_all_tasks")
def _load_all_tasks(s: Statement, run_ids: list[UUID]) -> list[Row]:
    return [row for row in _rows(s, "task") if row["run_id"] in run_ids]


@answers(_PACKAGE, "insert_run")
def _insert_run(
    s: Statement,
    run_id: UUID,
    namespace: str,
    pipeline: str,
    priority: int,
    state: str,
    header: Any,
    submission: Any,
) -> int:
    row = {
        "run_id": run_id,
        "version": 1,
        "namespace": namespace,
        "pipeline": pipeline,
        "priority": priority,
        "state": str(state),
        "header": header,
        "deadline_at": None,
        "submission": submission,
        "created_at": s.now,
        "updated_at": s.now,
    }
    return int(s.insert("run", (run_id,), row) is not None)


@answers(_PACKAGE, "save_tasks")
def _save_tasks(s: Statement, *columns: list[Any]) -> int:
    count = 0
    for values in zip(*columns, strict=True):
        row = dict(zip(_TASK, values, strict=True))
        row["state"] = str(row["state"])
        key = (row["task_id"],)
        known = s.get("task", key)
        if known is not None:
            row = known | {name: row[name] for name in _UPDATED}
        s.put("task", key, row | {"heard_at": s.now})
        count += 1
    return count


@answers(_PACKAGE, "save_runs")
def _save_runs(
    s: Statement, ids: list[UUID], states: list[str], headers: list[Any], deadlines: list[Any]
) -> int:
    count = 0
    for run_id, state, header, deadline in zip(ids, states, headers, deadlines, strict=True):
        row = s.get("run", (run_id,))
        if row is not None:
            s.change(
                "run",
                (run_id,),
                row,
                state=str(state),
                header=header,
                deadline_at=deadline,
                version=row["version"] + 1,
                updated_at=s.now,
            )
            count += 1
    return count


@answers(_PACKAGE, "silent_tasks")
def _silent_tasks(s: Statement, age: timedelta) -> list[Row]:
    silent = [
        (key, row)
        for key, row in s.rows("task")
        if row["state"] == "READY" and row["heard_at"] < s.now - age and s.is_free("task", key)
    ]
    silent.sort(key=lambda one: one[1]["heard_at"])
    for key, row in silent[:200]:
        s.change("task", key, row, heard_at=s.now)
    return [_columns(row, "run_id", "task_id") for _, row in silent[:200]]


@answers(_PACKAGE, "due")
def _due(s: Statement, now: datetime, ignored: list[UUID]) -> list[Row]:
    runs = {row["run_id"]: row for row in _rows(s, "run") if row["run_id"] not in ignored}
    tasks = [
        row
        for row in _rows(s, "task")
        if row["state"] == "WAITING"
        and row["due_at"] is not None
        and row["due_at"] <= now
        and row["run_id"] in runs
        and runs[row["run_id"]]["state"] != "PAUSED"
    ]
    late = [
        row
        for row in runs.values()
        if row["state"] in ("RUNNING", "PAUSED")
        and row["deadline_at"] is not None
        and row["deadline_at"] <= now
        and not row["header"]["expired"]
    ]
    tasks.sort(key=lambda row: row["due_at"])
    late.sort(key=lambda row: row["deadline_at"])
    return [
        *(_columns(row, "run_id", "task_id") for row in tasks[:500]),
        *({"run_id": row["run_id"], "task_id": None} for row in late[:500]),
    ]


@answers(_PACKAGE, "find_cached")
def _find_cached(s: Statement, namespace: str, pipeline: str, fingerprints: list[str]) -> list[Row]:
    return [
        _columns(row, "fingerprint", "run_id", "task_id", "outputs")
        for key in dict.fromkeys((namespace, pipeline, one) for one in fingerprints)
        if (row := s.get("cache_entry", key)) is not None
    ]


@answers(_PACKAGE, "find_reusable")
def _find_reusable(s: Statement, run_id: UUID, paths: list[str]) -> list[Row]:
    return [
        {
            "path": row["path"],
            "fingerprint": row["fingerprint"],
            "run_id": row["from_run_id"],
            "task_id": row["from_task_id"],
            "outputs": row["outputs"],
        }
        for path in dict.fromkeys(paths)
        if (row := s.get("reusable", (run_id, path))) is not None
    ]


@answers(_PACKAGE, "save_cache")
def _save_cache(s: Statement, *columns: list[Any]) -> int:
    new: dict[Key, Row] = {}
    for namespace, pipeline, digest, run_id, task_id, outputs in zip(*columns, strict=True):
        row = {"fingerprint": digest, "run_id": run_id, "task_id": task_id, "outputs": outputs}
        new.setdefault((namespace, pipeline, digest), row)
    for key, row in new.items():
        s.put("cache_entry", key, row)
    return len(new)


@answers(_PACKAGE, "delete_cached")
def _delete_cached(
    s: Statement, namespace: str, pipeline: str, digests: list[str], tasks: list[UUID]
) -> int:
    return s.delete(
        "cache_entry",
        [
            key
            for digest, task_id in dict.fromkeys(zip(digests, tasks, strict=True))
            for key in [(namespace, pipeline, digest)]
            if (row := s.get("cache_entry", key)) is not None and row["task_id"] == task_id
        ],
    )


@answers(_PACKAGE, "stalled_lookups")
def _stalled_lookups(s: Statement, age: timedelta) -> list[Row]:
    found = [
        row
        for row in _rows(s, "task")
        if row["state"] == "PENDING"
        and row["fingerprint"] is not None
        and row["heard_at"] < s.now - age
    ]
    found.sort(key=lambda row: row["heard_at"])
    return [_columns(row, "run_id", "task_id") for row in found[:1000]]


@answers(_PACKAGE, "insert_reusable")
def _insert_reusable(s: Statement, run_id: UUID, from_run: UUID, *columns: list[Any]) -> int:
    for path, digest, task_id, outputs in zip(*columns, strict=True):
        row = {
            "path": path,
            "fingerprint": digest,
            "from_run_id": from_run,
            "from_task_id": task_id,
            "outputs": outputs,
        }
        s.put("reusable", (run_id, path), row)
    return len(columns[0])


@answers(_PACKAGE, "lock_namespace")
def _lock_namespace(s: Statement, namespace: str) -> int:
    s.lock("advisory", ("admission", namespace))
    return 1


@answers(_PACKAGE, "queued_runs")
def _queued_runs(s: Statement, namespace: str) -> list[Row]:
    queued = [row for row in _queued(s) if row["namespace"] == namespace]
    queued.sort(key=lambda row: (-row["priority"], row["created_at"], row["run_id"]))
    return [
        _columns(row, "run_id", "pipeline") | {"limits": row["submission"].get("limits")}
        for row in queued[:500]
    ]


def _queued(s: Statement) -> list[Row]:
    return [
        row
        for row in _rows(s, "run")
        if row["state"] == "PENDING" and row["submission"] is not None
    ]


@answers(_PACKAGE, "queued_namespaces")
def _queued_namespaces(s: Statement) -> list[Row]:
    return [{"namespace": one} for one in dict.fromkeys(row["namespace"] for row in _queued(s))]


@answers(_PACKAGE, "active_runs")
def _active_runs(s: Statement, namespace: str) -> list[Row]:
    counted = Counter(
        row["pipeline"]
        for row in _rows(s, "run")
        if row["namespace"] == namespace and row["state"] in _ACTIVE
    )
    return [{"pipeline": pipeline, "runs": runs} for pipeline, runs in counted.items()]


@answers(_PACKAGE, "delete_tasks")
def _delete_tasks(s: Statement, run_id: UUID) -> list[Row]:
    found = [(key, row) for key, row in s.rows("task") if row["run_id"] == run_id]
    s.delete("task", [key for key, _ in found])
    return [_columns(row, "task_id", "attempt", "state") for _, row in found]


@answers(_PACKAGE, "delete_run")
def _delete_run(s: Statement, run_id: UUID) -> int:
    known = s.get("run", (run_id,))
    marked = {
        "state": "DELETED",
        "header": {},
        "submission": None,
        "deadline_at": None,
        "updated_at": s.now,
    }
    if known is not None:
        s.change("run", (run_id,), known, version=known["version"] + 1, **marked)
    else:
        row = {"run_id": run_id, "version": 1, "namespace": "", "pipeline": "", "priority": 0}
        s.put("run", (run_id,), row | marked | {"created_at": s.now})
    return 1


@answers(_PACKAGE, "purge_deleted")
def _purge_deleted(s: Statement, age: timedelta) -> int:
    old = [
        row["run_id"]
        for row in _rows(s, "run")
        if row["submission"] is None and row["updated_at"] < s.now - age
    ]
    s.delete("task", [key for key, row in s.rows("task") if row["run_id"] in old])
    s.delete("reusable", [key for key, _ in s.rows("reusable") if key[0] in old])
    return s.delete("run", [(run_id,) for run_id in old])

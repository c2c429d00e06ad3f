"""The explanation of a cache hit or miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace_recorder.core.fingerprints import closest, differences
from headrace_recorder.core.rows import TaskRow


def cache_view(row: TaskRow, earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Why a task was, or was not, taken from the cache. `earlier` are executions of the same
    component, newest first."""
    origin = row.origin or {}
    hit = origin.get("kind") == "cache"
    view: dict[str, Any] = {"hit": hit, "used": row.fingerprint is not None}
    if row.fingerprint is None:
        view["reason"] = "the task does not use the cache, or has not started yet"
        return view
    view |= {"fingerprint": row.fingerprint["digest"], "parts": row.fingerprint["parts"]}
    if hit:
        return {**view, "origin": origin, "reason": "an earlier execution has the same fingerprint"}
    before = [one for one in earlier if row.created_at and one["created_at"] <= row.created_at]
    index = closest(row.fingerprint["parts"], [one["fingerprint"]["parts"] for one in before])
    if index is None:
        return {**view, "reason": "no earlier execution of this component is known"}
    found = before[index]
    differing = differences(row.fingerprint["parts"], found["fingerprint"]["parts"])
    names = ", ".join(one["part"] for one in differing)
    return {
        **view,
        "closest": {"run_id": str(found["run_id"]), "task_id": str(found["task_id"])},
        "differs": differing,
        "reason": f"differs from the closest earlier execution in: {names}"
        if differing
        else "the earlier execution did not succeed, or its outputs no longer exist",
    }

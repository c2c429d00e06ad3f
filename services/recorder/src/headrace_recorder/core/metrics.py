"""The metrics of a run, from the metadata of its tasks' metrics artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

_LONGEST_NAME = 250
"""Characters; longer names do not fit into an index entry."""


class Metric(NamedTuple):
    """A number, the task that reported it, and when."""

    run_id: UUID
    name: str
    value: float
    told_at: Any
    task_id: UUID


def numbers(metadata: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in a metrics artifact; names that are too long for an index are left out."""
    return {
        name: float(value)
        for name, value in metadata.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and len(name) <= _LONGEST_NAME
    }


def latest(metrics: Iterable[Metric]) -> list[Metric]:
    """One metric for each run and name: the one reported last, and at equal times the one with
    the higher task id, so that the order of events does not matter."""
    found: dict[tuple[UUID, str], Metric] = {}
    for metric in metrics:
        known = found.get((metric.run_id, metric.name))
        if known is None or (metric.told_at, metric.task_id) > (known.told_at, known.task_id):
            found[metric.run_id, metric.name] = metric
    return list(found.values())

"""The numbers that a run has, from the metrics artifacts of its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

_LONGEST_NAME = 250
"""Longer ones would not fit into an index."""


class Metric(NamedTuple):
    """A number, and which task told it when."""

    run_id: UUID
    name: str
    value: float
    told_at: Any
    task_id: UUID


def numbers(metadata: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a metrics artifact; what no index can hold is none."""
    return {
        name: float(value)
        for name, value in metadata.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and len(name) <= _LONGEST_NAME
    }


def latest(metrics: Iterable[Metric]) -> list[Metric]:
    """Of each name of a run that which was told last, of two at one time that of the higher task:
    the order in which they are heard does not count."""
    kept: dict[tuple[UUID, str], Metric] = {}
    for one in metrics:
        known = kept.get((one.run_id, one.name))
        if known is None or (one.told_at, one.task_id) > (known.told_at, known.task_id):
            kept[one.run_id, one.name] = one
    return list(kept.values())

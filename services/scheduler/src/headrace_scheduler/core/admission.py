"""Which queued runs may start, within the limits of their pipeline and namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from headrace_contracts.messages.events import RunLimits


@dataclass(frozen=True, slots=True)
class Queued:
    """A run that waits to be admitted."""

    run_id: UUID
    pipeline: str
    limits: RunLimits


def admit(active: Mapping[str, int], queued: Iterable[Queued]) -> list[UUID]:
    """The runs of a namespace that may start now.

    `active` counts the namespace's active runs by pipeline; `queued` are in the order of admission.
    A run that waits for its pipeline's limit does not delay runs of other pipelines.
    """
    by_pipeline = Counter(dict(active))
    total = sum(by_pipeline.values())
    admitted = []
    for run in queued:
        if run.limits.namespace is not None and total >= run.limits.namespace:
            continue
        if run.limits.pipeline is not None and by_pipeline[run.pipeline] >= run.limits.pipeline:
            continue
        by_pipeline[run.pipeline] += 1
        total += 1
        admitted.append(run.run_id)
    return admitted

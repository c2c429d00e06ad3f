"""The metrics of a run, and which one counts if several have the same name."""

from __future__ import annotations

from uuid import UUID

import pytest
from headrace_recorder.core.metrics import Metric, latest, numbers
from hypothesis import given
from hypothesis import strategies as st

RUN = UUID(int=1)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, {}),
        ({"loss": 1, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.5}),
        ({"name": "x", "flag": True, "none": None, "list": [1], "map": {"a": 1}}, {}),
        ({"": 1, "a" * 250: 1, "a" * 251: 1}, {"": 1.0, "a" * 250: 1.0}),
    ],
)
def test_numbers(metadata: dict[str, object], expected: dict[str, float]) -> None:
    assert numbers(metadata) == expected


metrics = st.builds(
    Metric,
    st.just(RUN),
    st.sampled_from("ab"),
    st.floats(allow_nan=False),
    st.integers(0, 3),
    st.integers(0, 3).map(lambda number: UUID(int=number)),
)


@given(st.lists(metrics, unique_by=lambda one: (one.name, one.told_at, one.task_id)), st.data())
def test_the_order_of_metrics_does_not_matter(reported: list[Metric], data: st.DataObject) -> None:
    other = data.draw(st.permutations(reported))
    assert sorted(latest(reported)) == sorted(latest(other))
    for one in latest(reported):
        same = [metric for metric in reported if metric.name == one.name]
        assert (one.told_at, one.task_id) == max((m.told_at, m.task_id) for m in same)

"""Token buckets."""

from __future__ import annotations

import pytest
from headrace_ui_gateway.auth.rules.rate_limits import Buckets, Rate
from hypothesis import given
from hypothesis import strategies as st


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3), 10)
    assert [buckets.take("a", 0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 0) == pytest.approx(0.5)
    assert buckets.take("b", 0) == 0, "each has its own"
    assert buckets.take("a", 0.25) == pytest.approx(0.25), "asking in vain costs nothing"
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) > 0
    assert [buckets.take("a", 1000) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_a_clock_that_goes_back_adds_no_tokens() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 10)
    assert buckets.take("a", 10) == 0
    assert buckets.take("a", 5) > 0


@given(st.lists(st.text(max_size=3), max_size=200))
def test_the_number_of_buckets_is_bounded(keys: list[str]) -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), 5)
    for moment, key in enumerate(keys):
        buckets.take(key, moment)
        assert len(buckets) <= 5

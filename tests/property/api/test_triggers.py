"""Slots come once and in order, whatever the clock and the process do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from headrace_api.core.triggers import plan, series
from headrace_contracts.recurring import Trigger
from hypothesis import given
from hypothesis import strategies as st

# Around the two changes of summer time in New York, Berlin and Lord Howe (half an hour).
BASES = [
    datetime(2026, 3, 7, 12, tzinfo=UTC),
    datetime(2026, 10, 31, 12, tzinfo=UTC),
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 4, 4, 6, tzinfo=UTC),
]
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]
CRONS = [
    "30 2 * * *", "30 1 * * *", "*/20 * * * *", "0 0 */2 * * *", "15 45 1,2 * * *",
    "10,40 30 * * * *", "5 * * * *", "0 0 * * SUN", "@every 40m",
]  # fmt: skip
triggers = st.one_of(
    st.builds(Trigger, cron=st.sampled_from(CRONS), time_zone=st.sampled_from(ZONES)),
    st.builds(Trigger, interval_seconds=st.integers(600, 90_000)),
)
bases = st.sampled_from(BASES)
minutes = st.integers(0, 60 * 40)


@given(triggers, bases, minutes)
def test_the_series_is_the_same_from_wherever_it_is_looked_at(
    trigger: Trigger, base: datetime, offset: int
) -> None:
    slots = series(trigger, base)
    end = base + timedelta(hours=60)
    whole = list(takewhile(lambda slot: slot <= end, slots.after(base)))
    assert whole == sorted(set(whole))
    middle = base + timedelta(minutes=offset)
    rest = list(takewhile(lambda slot: slot <= end, slots.after(middle)))
    assert rest == [slot for slot in whole if slot > middle]
    reached = [slot for slot in whole if slot <= middle]
    assert slots.latest(base, middle) == (reached[-1] if reached else None)


@given(
    triggers,
    bases,
    st.lists(st.tuples(st.integers(-600, 1500), st.integers(0, 3)), max_size=30),
    st.booleans(),
)
def test_restarts_and_jumps_of_the_clock_repeat_and_lose_nothing(
    trigger: Trigger, base: datetime, ticks: list[tuple[int, int]], catch_up: bool
) -> None:
    slots, since, now, furthest = series(trigger, base), base, base, base
    fired: list[datetime] = []
    for jump, room in ticks:
        now += timedelta(minutes=jump)
        furthest = max(furthest, now)
        found = plan(slots, since, now, catch_up=catch_up, room=room)
        assert all(since < slot <= now for slot in found.due)
        fired += found.due
        since = found.due[-1] if found.due else since
    whole = list(takewhile(lambda slot: slot <= furthest, slots.after(base)))
    assert fired == sorted(set(fired))
    assert set(fired) <= set(whole)
    if catch_up:
        assert fired == list(islice(whole, len(fired)))
        last = plan(slots, since, furthest, catch_up=True, room=len(whole) + 1)
        assert fired + list(last.due) == whole

"""When slots are due. The tests set the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from headrace_api.recurring.rules.triggers import Plan, first_since, plan, series
from headrace_contracts.recurring import Trigger
from pydantic import ValidationError

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def planned(
    now: datetime, since: datetime = T0, *, catch_up: bool = True, room: int = 3, **trigger: Any
) -> Plan:
    slots = series(Trigger(**trigger), T0)
    return plan(slots, since, now, catch_up=catch_up, room=room)


def test_before_the_first_slot_nothing_is_due() -> None:
    assert planned(T0 + HOUR / 2, interval_seconds=3600) == Plan((), T0 + HOUR)


def test_missed_slots_are_submitted_one_by_one() -> None:
    found = planned(T0 + 5 * HOUR, interval_seconds=3600, room=2)
    assert found == Plan((T0 + HOUR, T0 + 2 * HOUR), T0 + 3 * HOUR)


@pytest.mark.parametrize("trigger", [{"interval_seconds": 3600}, {"cron": "0 * * * *"}])
def test_without_catch_up_only_the_latest_slot_is_due(trigger: dict[str, Any]) -> None:
    now = T0 + 30 * 24 * HOUR + HOUR / 2
    found = planned(now, catch_up=False, **trigger)
    assert found == Plan((now - HOUR / 2,), now + HOUR / 2)


def test_without_room_the_slot_stays_due() -> None:
    assert planned(T0 + 5 * HOUR, interval_seconds=3600, room=0) == Plan((), T0 + HOUR)


def test_start_and_end_are_slots() -> None:
    start, end = T0 + 2 * HOUR, T0 + 4 * HOUR
    for trigger in ({"interval_seconds": 3600}, {"cron": "0 * * * *"}):
        whole = Trigger(start_at=start, end_at=end, **trigger)  # type: ignore[arg-type]
        slots = series(whole, T0)
        found = plan(slots, first_since(whole, T0), T0 + 9 * HOUR, catch_up=True, room=9)
        assert found == Plan((start, start + HOUR, end), None)


def test_slots_since_a_start_in_the_past_are_due() -> None:
    trigger = Trigger(interval_seconds=3600, start_at=T0 - 2 * HOUR)
    found = plan(series(trigger, T0), first_since(trigger, T0), T0, catch_up=True, room=9)
    assert found.due == (T0 - 2 * HOUR, T0 - HOUR, T0)


def test_a_clock_that_is_set_back_repeats_no_slot() -> None:
    assert planned(T0, since=T0 + 3 * HOUR, interval_seconds=3600) == Plan((), T0 + 4 * HOUR)


def test_the_latest_slot_of_a_rare_cron_is_found_years_back() -> None:
    slots = series(Trigger(cron="0 0 29 2 *"), T0)
    now = datetime(2031, 6, 1, tzinfo=UTC)
    assert slots.latest(T0, now) == datetime(2028, 2, 29, tzinfo=UTC)
    assert slots.latest(T0, T0 + HOUR) is None


def test_every_is_an_interval() -> None:
    slots = series(Trigger(cron="@every 90m"), T0)
    assert list(islice(slots.after(T0), 2)) == [T0 + 1.5 * HOUR, T0 + 3 * HOUR]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, "exactly one of cron and interval_seconds"),
        ({"cron": "@daily", "interval_seconds": 5}, "exactly one"),
        ({"interval_seconds": 0}, "greater than or equal to 1"),
        ({"interval_seconds": 5, "start_at": T0, "end_at": T0 - HOUR}, "end_at must not be before"),
    ],
)
def test_an_invalid_trigger_is_rejected(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Trigger(**fields)

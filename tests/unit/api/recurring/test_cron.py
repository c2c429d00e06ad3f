"""Cron expressions: five and six fields, shorthands, time zones, daylight saving time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from headrace_api.recurring.rules.cron import Cron, InvalidCron, parse_cron


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(text: str, after: str, count: int = 3, zone: str = "UTC") -> list[str]:
    rule = parse_cron(text, zone)
    assert isinstance(rule, Cron)
    return [f"{found:%Y-%m-%d %H:%M:%S}" for found in islice(rule.after(at(after)), count)]


def test_five_fields_begin_with_minutes() -> None:
    assert moments("30 9 * * *", "2026-03-01 10:00", 1) == ["2026-03-02 09:30:00"]


def test_six_fields_begin_with_seconds() -> None:
    assert moments("0 0 9 ? * 2-6", "2026-11-20 10:00", 2) == [
        "2026-11-21 09:00:00",  # Tuesday to Saturday; the 20th is a Friday
        "2026-11-24 09:00:00",
    ]
    assert moments("15 * * * * *", "2026-01-01 00:00:15", 2) == [
        "2026-01-01 00:01:15",
        "2026-01-01 00:02:15",
    ]
    assert moments("*/20 * * * * *", "2026-01-01", 3) == [
        "2026-01-01 00:00:20",
        "2026-01-01 00:00:40",
        "2026-01-01 00:01:00",
    ]


def test_shorthands() -> None:
    assert moments("@daily", "2026-01-01 12:00", 1) == ["2026-01-02 00:00:00"]
    assert moments("@hourly", "2026-01-01 12:00", 1) == ["2026-01-01 13:00:00"]
    assert parse_cron("@every 1h30m", "UTC") == timedelta(minutes=90)


def test_the_zone_is_that_of_the_expression_or_else_of_the_trigger() -> None:
    assert moments("0 9 * * *", "2026-01-01", 1, "Asia/Tokyo") == ["2026-01-02 00:00:00"]
    assert moments("TZ=Asia/Tokyo 0 9 * * *", "2026-01-01", 1) == ["2026-01-02 00:00:00"]


@pytest.mark.parametrize("text", ["30 2 * * *", "0 30 2 * * *"])
def test_a_skipped_time_fires_after_the_gap_and_a_repeated_time_fires_once(text: str) -> None:
    # New York skips 02:00 to 03:00 on 8 March 2026, and has 01:00 to 02:00 twice on 1 November.
    assert moments(text, "2026-03-07 12:00", 2, "America/New_York") == [
        "2026-03-08 07:00:00",
        "2026-03-09 06:30:00",
    ]
    daily = text.replace("2 * * *", "1 * * *")
    assert moments(daily, "2026-10-31 12:00", 2, "America/New_York") == [
        "2026-11-01 05:30:00",
        "2026-11-02 06:30:00",
    ]


def test_within_the_repeated_hour_a_time_does_not_fire_again() -> None:
    assert moments("30 1 * * *", "2026-11-01 06:00", 1, "America/New_York") == [
        "2026-11-02 06:30:00"
    ]


@pytest.mark.parametrize(
    ("text", "zone", "fault"),
    [
        ("* * *", "UTC", "has 3 fields"),
        ("61 * * * *", "UTC", "bad minute"),
        ("0 0 31 2 *", "UTC", "bad day-of-month"),
        ("@sometimes", "UTC", "unknown cron shorthand"),
        ("@every soon", "UTC", "not a duration"),
        ("@every 200000h", "UTC", "longer than ten years"),
        ("* * * * *", "Mars/Base", "unknown time zone 'Mars/Base'"),
        ("* * * * *", "../etc/passwd", "unknown time zone"),
    ],
)
def test_an_invalid_expression_is_rejected_with_its_fault(text: str, zone: str, fault: str) -> None:
    with pytest.raises(InvalidCron, match=fault):
        parse_cron(text, zone)

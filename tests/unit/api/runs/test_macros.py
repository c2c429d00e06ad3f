"""KFP's macros in parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from headrace_api.runs.rules.macros import ScheduledSlot, expanded, formatted

RUN = UUID(int=7)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
SLOT = ScheduledSlot(UUID(int=1), datetime(2026, 1, 2, 15, 0, tzinfo=UTC), 12)


def one(text: str, slot: ScheduledSlot | None = SLOT) -> str:
    return str(expanded({"p": text}, RUN, NOW, slot)["p"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[[RunUUID]]", str(RUN)),
        ("[[CurrentTime]]", "20260102030405"),
        ("[[ScheduledTime]]", "20260102150000"),
        ("no [[Index]], day [[ScheduledTime.2006-01-02]]!", "no 12, day 2026-01-02!"),
        ("[[CurrentTime.Mon Jan _2 03:04PM]]", "Fri Jan  2 03:04AM"),
        ("[[Unknown]] [[]]", "[[Unknown]] [[]]"),
    ],
)
def test_macros(text: str, value: str) -> None:
    assert one(text) == value


def test_without_a_slot_its_macros_are_left() -> None:
    assert one("[[Index]] [[ScheduledTime]]", None) == "[[Index]] [[ScheduledTime]]"


def test_values_that_are_not_strings_are_left() -> None:
    assert expanded({"n": 3, "l": ["[[Index]]"]}, RUN, NOW, SLOT) == {
        "n": 3,
        "l": ["[[Index]]"],
    }


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        ("2006-01-02T15:04:05Z07:00", "2026-01-02T03:04:05Z"),
        ("Monday, 02-Jan-06 15:04:05 MST", "Friday, 02-Jan-26 03:04:05 UTC"),
        ("15:04:05.000", "03:04:05.678"),
        ("15:04:05.999999999", "03:04:05.6789"),
        ("January 2, 3:4:5 pm -0700", "January 2, 3:4:5 am +0000"),
        ("002", "002"),
    ],
)
def test_layouts_of_go(layout: str, value: str) -> None:
    assert formatted(NOW, layout) == value

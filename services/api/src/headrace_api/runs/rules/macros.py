"""KFP's macros in parameters that are strings.

``[[RunUUID]]`` and ``[[CurrentTime]]``; for a run of a recurring run also ``[[ScheduledTime]]``
and ``[[Index]]``. The two times take a layout of Go's ``time`` package, such as
``[[ScheduledTime.2006-01-02]]``. Times are in UTC. A macro that has no value is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

_MACRO = re.compile(r"\[\[(RunUUID|Index|(CurrentTime|ScheduledTime)(?:\.(.+?))?)\]\]")
_LAYOUT = "20060102150405"
"""KFP's layout for times that have none."""

_STRFTIME = {
    "January": "%B", "Jan": "%b", "Monday": "%A", "Mon": "%a", "MST": "%Z",
    "2006": "%Y", "002": "%j", "01": "%m", "02": "%d", "03": "%I", "04": "%M", "05": "%S",
    "06": "%y", "15": "%H", "PM": "%p",
}  # fmt: skip
_TOKEN = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|[.,](?:0+|9+)(?!\d)"
    r"|002|01|02|03|04|05|06|15|PM|pm|_2|1|2|3|4|5"
)


@dataclass(frozen=True, slots=True)
class ScheduledSlot:
    """The slot of a recurring run that a run is submitted for."""

    recurring_run_id: UUID
    scheduled_at: datetime
    index: int
    """Starts at 1."""


def expanded(
    values: dict[str, Any], run_id: UUID, now: datetime, slot: ScheduledSlot | None
) -> dict[str, Any]:
    """The parameters, with the macros in strings expanded."""

    def value_of(match: re.Match[str]) -> str:
        name, time, layout = match.groups()
        if name == "RunUUID":
            return str(run_id)
        if time == "CurrentTime":
            return formatted(now, layout or _LAYOUT)
        if slot is None:
            return match[0]
        if time == "ScheduledTime":
            return formatted(slot.scheduled_at, layout or _LAYOUT)
        return str(slot.index)

    return {
        name: _MACRO.sub(value_of, value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def formatted(moment: datetime, layout: str) -> str:
    """A time in UTC, in a layout of Go. Source: the documentation of Go's package ``time``."""
    at = moment.astimezone(UTC)

    def part(match: re.Match[str]) -> str:
        return _part(at, match[0])

    return _TOKEN.sub(part, layout)


def _part(at: datetime, token: str) -> str:
    if token in _STRFTIME:
        return at.strftime(_STRFTIME[token])
    if token[0] in ".,":
        digits = f"{at.microsecond:06}000"[: len(token) - 1]
        if token[1] == "9":  # nines leave out trailing zeros
            digits = digits.rstrip("0")
        return token[0] + digits if digits else ""
    others = {
        "pm": at.strftime("%p").lower(),
        "_2": f"{at.day:>2}",
        "1": str(at.month),
        "2": str(at.day),
        "3": str(at.hour % 12 or 12),
        "4": str(at.minute),
        "5": str(at.second),
        "-07:00": "+00:00",
        "-0700": "+0000",
        "-07": "+00",
        "Z07:00": "Z",
        "Z0700": "Z",
    }
    return others[token]

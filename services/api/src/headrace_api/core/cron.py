"""Cron expressions as KFP's users write them: the moments that they stand for, as a series.

Seconds are a sixth field in front. With a single second the expression is followed in the way of
Debian's cron, which knows summer time: what falls into the skipped hour runs right after it, and
what is due at a fixed time in the repeated hour runs once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_LONGEST_SECONDS = 10 * 366 * 86400


class InvalidCron(ValueError):
    """The expression or its zone is not one; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked expression."""

    fields: str
    second: int
    """Added to each moment; the fields then have no seconds of their own."""
    zone: ZoneInfo

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments later than `moment`, in order, in UTC, without end."""
        last = moment
        offset = timedelta(seconds=self.second)
        start = (moment - offset).astimezone(self.zone)
        for local in CronSim(self.fields, start):
            found = local.astimezone(UTC) + offset
            if found > last:  # a repeated hour is walked through by wall clock, and so twice
                last = found
                yield found


def parse_cron(text: str, zone: str) -> Cron | timedelta:
    """The series of an expression: moments by the clock, or ``@every`` so long.

    Raises:
        InvalidCron: naming the fault.
    """
    text = text.strip()
    named = _ZONE.fullmatch(text)
    if named is not None:
        zone, text = named[1], named[2].strip()
    where = _zone(zone)
    if text.startswith("@every"):
        return _duration(text.removeprefix("@every").strip())
    if text.startswith("@"):
        if text.lower() not in _WORDS:
            raise InvalidCron(f"{text!r} is none of {', '.join(_WORDS)} and @every DURATION")
        text = _WORDS[text.lower()]
    fields = text.replace("?", "*").split()
    if len(fields) not in (5, 6):
        raise InvalidCron(f"cron {text!r} has {len(fields)} fields; it takes 5, or 6 with seconds")
    second = 0
    if len(fields) == 6 and fields[0].isdecimal() and int(fields[0]) < 60:
        second = int(fields.pop(0))
    try:
        CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise InvalidCron(f"cron {text!r}: {str(error).lower()}") from None
    return Cron(" ".join(fields), second, where)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidCron(f"there is no time zone {name!r}") from None


def _duration(text: str) -> timedelta:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidCron(f"@every {text!r} is not a duration such as 1h30m or 45s")
    seconds = int(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if seconds > _LONGEST_SECONDS:
        raise InvalidCron(f"@every {text} is longer than ten years")
    return timedelta(seconds=max(seconds, 1))

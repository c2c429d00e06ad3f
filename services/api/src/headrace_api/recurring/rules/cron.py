"""Cron expressions in KFP's syntax, and the times that they match.

An expression has five fields, or six with seconds first. With a single second, daylight saving
time is handled like in Debian's cron: a time in the skipped hour fires right after it, and a fixed
time in the repeated hour fires once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_SHORTHANDS = {
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
_MAX_SECONDS = 10 * 366 * 86400


class InvalidCron(ValueError):
    """The expression or its time zone is not valid; the message says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A valid expression."""

    fields: str
    second: int
    """Added to each matching time; 0 where the fields have their own seconds."""
    zone: ZoneInfo

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The matching times after `moment`, in order, in UTC, without end."""
        last = moment
        offset = timedelta(seconds=self.second)
        start = (moment - offset).astimezone(self.zone)
        for local in CronSim(self.fields, start):
            found = local.astimezone(UTC) + offset
            if found > last:  # the repeated hour is walked through twice
                last = found
                yield found


def parse_cron(text: str, zone: str) -> Cron | timedelta:
    """The rule of an expression: matching times or, for ``@every``, an interval. A zone in the
    expression (``TZ=...``) overrides `zone`.

    Raises:
        InvalidCron: the expression or its time zone is not valid.
    """
    text = text.strip()
    prefixed = _ZONE.fullmatch(text)
    if prefixed is not None:
        zone, text = prefixed[1], prefixed[2].strip()
    zone_info = _zone(zone)
    if text.startswith("@every"):
        return _duration(text.removeprefix("@every").strip())
    if text.startswith("@"):
        if text.lower() not in _SHORTHANDS:
            raise InvalidCron(
                f"unknown cron shorthand {text!r}; use one of {', '.join(_SHORTHANDS)}, "
                "or @every DURATION"
            )
        text = _SHORTHANDS[text.lower()]
    fields = text.replace("?", "*").split()
    if len(fields) not in (5, 6):
        raise InvalidCron(
            f"cron expression {text!r} has {len(fields)} fields; expected 5, or 6 with seconds"
        )
    second = 0
    if len(fields) == 6 and fields[0].isdecimal() and int(fields[0]) < 60:
        second = int(fields.pop(0))
    try:
        CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise InvalidCron(f"cron expression {text!r}: {str(error).lower()}") from None
    return Cron(" ".join(fields), second, zone_info)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidCron(
            f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin"
        ) from None


def _duration(text: str) -> timedelta:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidCron(f"@every {text!r} is not a duration; use a value such as 1h30m or 45s")
    seconds = int(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if seconds > _MAX_SECONDS:
        raise InvalidCron(f"@every {text} is longer than ten years")
    return timedelta(seconds=max(seconds, 1))

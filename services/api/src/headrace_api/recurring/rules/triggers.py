"""The slots of a recurring run: the times at which its runs are due.

The slots of a trigger are a fixed series: late ticks do not move them. Progress is one time,
`since`, which never goes back, so neither a restart nor a clock change repeats a slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from headrace_contracts.recurring import Trigger

from headrace_api.recurring.rules.cron import Cron, parse_cron

_INSTANT = timedelta(microseconds=1)
_WINDOWS = tuple(
    timedelta(seconds=s) for s in (60, 3600, 86400, 31 * 86400, 366 * 86400, 9 * 366 * 86400)
)
"""How far back to look for the latest slot, in steps: cron can only be searched forwards."""


@dataclass(frozen=True, slots=True)
class Series:
    """The slots of one trigger."""

    rule: Cron | timedelta
    anchor: datetime
    """Where intervals count from."""
    start: datetime | None
    end: datetime | None

    def after(self, since: datetime) -> Iterator[datetime]:
        """The slots after `since`, in order."""
        if self.start is not None:
            since = max(since, self.start - _INSTANT)
        slots = self.rule.after(since) if isinstance(self.rule, Cron) else self._steps(since)
        return takewhile(lambda slot: self.end is None or slot <= self.end, slots)

    def _steps(self, since: datetime) -> Iterator[datetime]:
        assert isinstance(self.rule, timedelta)
        first = 0 if self.start is not None else 1
        step = max((since - self.anchor) // self.rule + 1, first)
        while True:
            yield self.anchor + step * self.rule
            step += 1

    def latest(self, since: datetime, now: datetime) -> datetime | None:
        """The last slot after `since` and not after `now`."""
        until = now if self.end is None else min(now, self.end)
        for window in _WINDOWS:
            from_here = max(since, until - window)
            found = None
            for slot in takewhile(lambda slot: slot <= until, self.after(from_here)):
                found = slot
            if found is not None or from_here == since:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to submit now, and which slot follows."""

    due: tuple[datetime, ...]
    next_at: datetime | None
    """The first slot after `due`; None when there are no more."""


def series(trigger: Trigger, anchor: datetime) -> Series:
    """The slots of a trigger that was set at `anchor`.

    Raises:
        InvalidCron: the cron expression or the time zone is not valid.
    """
    rule: Cron | timedelta
    if trigger.cron is not None:
        rule = parse_cron(trigger.cron, trigger.time_zone)
    else:
        assert trigger.interval_seconds is not None
        rule = timedelta(seconds=trigger.interval_seconds)
    start = None if trigger.start_at is None else trigger.start_at.astimezone(UTC)
    end = None if trigger.end_at is None else trigger.end_at.astimezone(UTC)
    return Series(rule, start or anchor, start, end)


def first_since(trigger: Trigger, now: datetime) -> datetime:
    """The time after which slots of a new recurring run count. It may be in the past."""
    return now if trigger.start_at is None else trigger.start_at.astimezone(UTC) - _INSTANT


def plan(slots: Series, since: datetime, now: datetime, *, catch_up: bool, room: int) -> Plan:
    """What to submit at `now`: with `catch_up`, up to `room` of the slots after `since`; without,
    the latest slot only."""
    first = next(slots.after(since), None)
    if first is None or first > now or room < 1:
        return Plan((), first)
    if catch_up:
        due = tuple(islice(takewhile(lambda slot: slot <= now, slots.after(since)), room))
    else:
        latest = slots.latest(since, now)
        due = (first,) if latest is None else (latest,)
    return Plan(due, next(slots.after(due[-1]), None))

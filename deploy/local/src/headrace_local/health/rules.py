"""When a child is healthy, and when it is to be restarted: pure rules over observations and time.

An observation that is the fault of something else, such as a full disk or a server that is away, is
excused: a restart would not help and would cost the child's work. Times are seconds of a monotonic
clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 10.0
"""A program that ran for this time is restarted without a pause."""
START_SECONDS = 120.0
"""How long a process may take to become ready. Servers may have much to recover."""
_OBSERVATIONS = 3
"""At least so many in a row before a restart: after a time in which the supervisor itself was
stopped, one observation says little."""
_MISSES = 2
"""Observations in a row before a child counts as not ready: one may be late on a busy machine."""
_CHECK_SECONDS = 5.0
_UNHEALTHY_CHECK_SECONDS = 1.0
_STARTING_CHECK_SECONDS = 0.05
_LOOP_RESTARTS = 5
_LOOP_WINDOW_SECONDS = 600.0
_LOOP_QUIET_SECONDS = 20.0
_LONG_RUN_SECONDS = 60.0


class Verdict(StrEnum):
    """What an observation says about a process."""

    HEALTHY = "healthy"
    STARTING = "starting"
    """It says that it starts or recovers."""
    NOT_READY = "not ready"
    """It answers, and waits for something else."""
    FAILING = "failing"
    """It answers, and cannot do its work."""
    SILENT = "silent"
    """It does not answer, or a signal has stopped it."""
    STOPPING = "stopping"
    """It shuts down, which the supervisor did not ask for."""


_PATIENCE_SECONDS = {
    Verdict.NOT_READY: 30.0,
    Verdict.FAILING: 10.0,
    Verdict.SILENT: 10.0,
    Verdict.STOPPING: 2.0,
}
"""From the first bad observation to the restart. A starting process is never restarted: to start
anew would take it longer."""
_EXCUSABLE = frozenset({Verdict.STARTING, Verdict.NOT_READY, Verdict.FAILING})


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one check."""

    verdict: Verdict
    detail: str = ""


HEALTHY = Observation(Verdict.HEALTHY)


@dataclass(frozen=True, slots=True)
class Health:
    """What the observations of one process say together."""

    started: float
    ready: bool = False
    was_ready: bool = False
    last: Observation = Observation(Verdict.STARTING)
    misses: int = 0
    """Bad observations in a row."""
    bad_since: float | None = None
    """Since when it has been unhealthy without an excuse."""
    bad_observations: int = 0


def observe(health: Health, seen: Observation, now: float, *, excused: bool) -> Health:
    """The health after one more observation. `excused`: something else is known to be at fault."""
    if seen.verdict is Verdict.HEALTHY:
        return Health(health.started, ready=True, was_ready=True, last=seen)
    misses = health.misses + 1
    ready = health.ready and misses < _MISSES and seen.verdict is not Verdict.STOPPING
    after = replace(health, ready=ready, last=seen, misses=misses)
    if excused and seen.verdict in _EXCUSABLE:
        return replace(after, bad_since=None, bad_observations=0)
    since = now if health.bad_since is None else health.bad_since
    return replace(after, bad_since=since, bad_observations=health.bad_observations + 1)


def is_restart_due(health: Health, now: float) -> bool:
    """Whether the process has been unhealthy for so long that it is to be restarted."""
    patience = _PATIENCE_SECONDS.get(health.last.verdict)
    if patience is None or health.bad_since is None or health.bad_observations < _OBSERVATIONS:
        return False
    if not health.was_ready and now - health.started < START_SECONDS:
        return False
    return now - health.bad_since >= patience


def next_check(health: Health, now: float) -> float:
    """When to check the process again."""
    if health.ready and not health.misses:
        return now + _CHECK_SECONDS
    if not health.was_ready and now - health.started < STABLE_SECONDS:
        return now + _STARTING_CHECK_SECONDS
    return now + _UNHEALTHY_CHECK_SECONDS


@dataclass(frozen=True, slots=True)
class Restarts:
    """The ends of a program's processes, and how long to wait before the next start."""

    ends: tuple[float, ...] = ()
    """Within the window that counts as a loop."""
    crashes: tuple[float, ...] = ()
    """Those of `ends` that were the program's own fault."""
    failures: int = 0
    """Ends in a row after a short run."""

    @property
    def pause(self) -> float:
        """Seconds before the next start; it doubles with each failure."""
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self.failures, 20))


def after_end(before: Restarts, started: float, now: float, *, own_fault: bool) -> Restarts:
    """The restarts after one more process has ended."""
    ends = (*_recent(before.ends, now), now)
    crashes = (*_recent(before.crashes, now), *((now,) if own_fault else ()))
    loops = len(crashes) >= _LOOP_RESTARTS
    stable = now - started > (_LONG_RUN_SECONDS if loops else STABLE_SECONDS)
    return Restarts(ends, crashes, 0 if stable else before.failures + 1)


def is_loop(restarts: Restarts, now: float) -> bool:
    """Whether the program crashes again and again, even if it is ready in between."""
    crashes = _recent(restarts.crashes, now)
    quiet = max(_LOOP_QUIET_SECONDS, 2 * restarts.pause)
    return len(crashes) >= _LOOP_RESTARTS and now - crashes[-1] < quiet


def restarts_in_words(restarts: Restarts, now: float) -> str:
    """For example ``restarted 12 times in 2 minutes``."""
    ends = _recent(restarts.ends, now)
    if not ends:
        return ""
    times = "once" if len(ends) == 1 else f"{len(ends)} times"
    seconds = max(1, round(now - ends[0]))
    minutes = round(seconds / 60)
    span = f"{seconds} s" if seconds < 90 else f"{minutes} minutes"
    return f"restarted {times} in {span}"


def _recent(times: Iterable[float], now: float) -> tuple[float, ...]:
    return tuple(time for time in times if now - time <= _LOOP_WINDOW_SECONDS)

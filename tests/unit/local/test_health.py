"""Who is restarted when: tables over observations and time."""

from __future__ import annotations

import pytest
from headrace_local.health import rules
from headrace_local.health.rules import HEALTHY, Health, Observation, Restarts, Verdict

BEGAN = 1000.0
Seen = tuple[float, Verdict]


def after(seen: list[Seen], *, excused: bool = False) -> Health:
    """The health of a process that started at `BEGAN`, after observations at these seconds."""
    found = Health(BEGAN)
    for second, verdict in seen:
        found = rules.observe(found, Observation(verdict), BEGAN + second, excused=excused)
    return found


def bad(verdict: Verdict, *seconds: float) -> list[Seen]:
    return [(second, verdict) for second in seconds]


READY: list[Seen] = [(1, Verdict.HEALTHY)]


@pytest.mark.parametrize(
    ("seen", "at", "due"),
    [
        # once ready: unhealthy for the time that its verdict allows
        (READY + bad(Verdict.SILENT, 100, 105, 109), 109, False),
        (READY + bad(Verdict.SILENT, 100, 105, 110), 110, True),
        (READY + bad(Verdict.FAILING, 100, 105, 109), 109, False),
        (READY + bad(Verdict.FAILING, 100, 105, 110), 110, True),
        (READY + bad(Verdict.NOT_READY, 100, 110, 129), 129, False),
        (READY + bad(Verdict.NOT_READY, 100, 110, 130), 130, True),
        (READY + bad(Verdict.STOPPING, 100, 101, 102), 102, True),
        (READY + bad(Verdict.STARTING, 100, 200, 900), 900, False),
        # a healthy observation in between
        (
            [
                *READY,
                *bad(Verdict.SILENT, 100, 105),
                (107, Verdict.HEALTHY),
                *bad(Verdict.SILENT, 108, 110, 112),
            ],
            112,
            False,
        ),
        # the supervisor itself was stopped: one late observation says little
        (READY + bad(Verdict.SILENT, 100, 600), 600, False),
        # never ready: it may take its time to start
        (bad(Verdict.FAILING, 1, 50, 119), 119, False),
        (bad(Verdict.FAILING, 1, 50, 120), 120, True),
        (bad(Verdict.STARTING, 1, 50, 900), 900, False),
        (READY, 5000, False),
    ],
)
def test_when_a_process_is_restarted(seen: list[Seen], at: float, due: bool) -> None:
    assert rules.is_restart_due(after(seen), BEGAN + at) is due


@pytest.mark.parametrize(
    ("verdict", "due"),
    [
        (Verdict.FAILING, False),
        (Verdict.NOT_READY, False),
        (Verdict.SILENT, True),  # no full disk and no other server makes a process silent
        (Verdict.STOPPING, True),
    ],
)
def test_what_something_else_excuses(verdict: Verdict, due: bool) -> None:
    found = after(READY + bad(verdict, 100, 110, 200), excused=True)
    assert rules.is_restart_due(found, BEGAN + 200) is due
    assert not found.ready


def test_an_excuse_ends_and_the_time_begins_anew() -> None:
    found = after(READY + bad(Verdict.FAILING, 100, 110, 200), excused=True)
    for second in (201, 205, 210):
        found = rules.observe(found, Observation(Verdict.FAILING), BEGAN + second, excused=False)
        assert not rules.is_restart_due(found, BEGAN + second)
    found = rules.observe(found, Observation(Verdict.FAILING), BEGAN + 211, excused=False)
    assert rules.is_restart_due(found, BEGAN + 211)


@pytest.mark.parametrize(
    ("seen", "ready"),
    [
        ([], False),
        (READY, True),
        (READY + bad(Verdict.SILENT, 10), True),  # one may be late
        (READY + bad(Verdict.SILENT, 10, 11), False),
        (READY + bad(Verdict.STOPPING, 10), False),
        ([*READY, *bad(Verdict.SILENT, 10, 11), (12, Verdict.HEALTHY)], True),
    ],
)
def test_when_a_process_is_ready(seen: list[Seen], ready: bool) -> None:
    assert after(seen).ready is ready


@pytest.mark.parametrize(
    ("seen", "at", "pause"),
    [
        ([], 0, 0.05),
        (bad(Verdict.FAILING, 11), 11, 1),
        (READY, 1, 5),
        (READY + bad(Verdict.SILENT, 10), 10, 1),
    ],
)
def test_when_the_next_check_is(seen: list[Seen], at: float, pause: float) -> None:
    found = rules.next_check(after(seen), BEGAN + at) - BEGAN - at
    assert found == pytest.approx(pause)


def ends(*runs: float, own_fault: bool) -> tuple[Restarts, float]:
    """The restarts after runs of so many seconds, each after its pause, and the time."""
    found, now = Restarts(), BEGAN
    for seconds in runs:
        started = now + found.pause
        now = started + seconds
        found = rules.after_end(found, started, now, own_fault=own_fault)
    return found, now


@pytest.mark.parametrize(
    ("runs", "own_fault", "pause", "loop"),
    [
        ((), True, 0.1, False),
        ((60,), True, 0.1, False),
        ((1,), True, 0.2, False),
        ((1, 1, 1), True, 0.8, False),
        ((1, 1, 1, 60), True, 0.1, False),
        ((1,) * 5, True, 3.2, True),
        ((1,) * 9, True, 30, True),
        ((11,) * 4, True, 0.1, False),
        ((11,) * 5, True, 0.2, True),  # stable for a while, and yet again and again
        ((11,) * 5, False, 0.1, False),  # ended from outside
        ((1,) * 5, False, 3.2, False),
        ((300,) * 9, True, 0.1, False),
    ],
)
def test_pauses_and_loops(
    runs: tuple[float, ...], own_fault: bool, pause: float, loop: bool
) -> None:
    found, now = ends(*runs, own_fault=own_fault)
    assert found.pause == pytest.approx(pause)
    assert rules.is_loop(found, now) is loop
    assert not rules.is_loop(found, now + 61)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ((), ""),
        ((0,), "restarted once in 30 s"),
        ((0, 29), "restarted 2 times in 30 s"),
        ((-90, -30, 0), "restarted 3 times in 2 minutes"),
        ((-700, 0), "restarted once in 30 s"),
    ],
)
def test_restarts_in_words(times: tuple[float, ...], words: str) -> None:
    found = Restarts(tuple(BEGAN + time for time in times))
    assert rules.restarts_in_words(found, BEGAN + 30) == words


def test_a_healthy_observation_is_told_as_one() -> None:
    assert after(READY).last == HEALTHY

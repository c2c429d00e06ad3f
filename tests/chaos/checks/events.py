"""Live streams of events, and the slots of recurring runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation

_ENDS = ("run.succeeded", "run.failed", "run.canceled")
_CATCH_UP_SECONDS = 120.0
"""How late a slot may be at the end."""


def streams(seen: Observation) -> Iterator[Violation]:
    """A live stream has each event of the history once and in its order, at least to the first end
    of the run. What comes later, such as the answer to a repeated request, need not be in it."""
    for run_id, stream in seen.journal.streams.items():
        history = seen.events.get(run_id)
        if history is None:
            continue
        got = [event for _, event in stream.events]
        if not stream.ended:
            yield Violation("streams", f"had no end; {len(got)} of {len(history)} events", run_id)
            continue
        begin = history[: len(got)]
        if got != [event for _, event, _, _ in begin] or not any(e[2] in _ENDS for e in begin):
            known = [event for _, event, _, _ in history]
            extra = sorted((Counter(got) - Counter(known)).elements())
            missing = sorted((Counter(known) - Counter(got)).elements())
            yield Violation(
                "streams",
                f"{len(got)} of {len(history)} events; missing {missing}, extra {extra}",
                run_id,
                None,
                {"got": stream.events, "history": history, "connections": stream.connections},
            )


def recurring_runs_ended(seen: Observation) -> Iterator[Violation]:
    """The runs of recurring runs end as all others do."""
    for run_id in seen.open_recurring:
        yield Violation("every-run-ended", "is a run of a recurring run and has not ended", run_id)


def slots(seen: Observation) -> Iterator[Violation]:
    """Each slot of a recurring run has one run; none is missing, and none is in the future."""
    for one in seen.recurring:
        times = sorted(one.slots.values())
        name = f"every {one.every} s"
        doubled = [time for time, count in Counter(times).items() if count > 1]
        if doubled:
            yield Violation("slots", f"{name}: several runs for the slots {doubled}", f"{name} 2")
        gaps = [
            (before, after) for before, after in pairwise(times) if after - before > one.every * 1.5
        ]
        if gaps:
            yield Violation("slots", f"{name}: no runs between the slots {gaps}", f"{name} gaps")
        if one.early:
            most = max(one.early.values())
            yield Violation(
                "slots",
                f"{name}: {len(one.early)} runs for slots up to {most:.0f} s in the future",
                f"{name} early",
            )
        if one.disabled is not None and (
            not times or times[-1] < one.disabled - one.every - _CATCH_UP_SECONDS
        ):
            yield Violation(
                "slots",
                f"{name}: the last slot is {times[-1] if times else None}, but the recurring run "
                f"was enabled until {one.disabled}",
                f"{name} end",
            )

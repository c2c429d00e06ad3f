"""All checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.chaos.checks import effects, events, leftovers, programs, runs, times
from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation

Check = Callable[[Observation], Iterator[Violation]]

CHECKS: tuple[Check, ...] = (
    runs.one_run_a_submission,
    runs.accepted,
    runs.every_run_ended,
    runs.expected_states,
    runs.sources_agree,
    runs.logs_are_readable,
    effects.no_overlap,
    effects.one_execution_an_attempt,
    effects.repeated_for_a_reason,
    effects.outputs_of_one_execution,
    effects.recorded_attempts,
    effects.nothing_after_the_end,
    effects.exit_handlers,
    events.streams,
    events.slots,
    events.recurring_runs_ended,
    leftovers.orphans,
    leftovers.leftovers,
    leftovers.backlog,
    leftovers.dead_letters,
    leftovers.bounded_streams,
    leftovers.process_counts,
    leftovers.descriptors,
    leftovers.idle_cpu,
    programs.programs_stay,
    times.canaries,
    times.stalls,
    times.answers,
    times.status_is_true,
)


OF_THE_JOURNAL: tuple[Check, ...] = (
    runs.accepted,
    programs.programs_stay,
    times.canaries,
    times.stalls,
    times.answers,
    times.status_is_true,
)
"""Those that need nothing from a deployment that cannot be looked at."""


def check_all(seen: Observation, checks: tuple[Check, ...]) -> None:
    """Run checks, and write what is broken into the journal."""
    for check in checks:
        for violation in check(seen):
            seen.journal.violate(violation)

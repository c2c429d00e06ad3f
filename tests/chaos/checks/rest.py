"""Streams, schedules, what is left behind, times, and the truth of what is reported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation
from tests.chaos.processes import DAEMONS

CANARY_SECONDS = 30.0
_HALF_OPEN_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_IDLE_CPU = 0.25
_CATCH_UP_SECONDS = 120.0
_LAUNCHERS = 4
_TOGETHER_SECONDS = 3.0
_BACKENDS = 50
_NOT_READY_SECONDS = 30.0
_ECHO_SECONDS = 30.0
"""For so long after its end a fault may explain something."""


def streams(seen: Observation) -> Iterator[Violation]:
    """A live stream of events has each event of the history once, in its order, and an end."""
    for run_id, stream in seen.journal.streams.items():
        history = seen.events.get(run_id)
        if history is None:
            continue
        got = [event for _, event in stream.events]
        if not stream.ended:
            yield Violation("streams", f"had no end; {len(got)} of {len(history)} events", run_id)
            continue
        known = [event for _, event, _, _ in history]
        if got != known:
            extra = sorted(Counter(got) - Counter(known))
            missing = sorted(Counter(known) - Counter(got))
            yield Violation(
                "streams",
                f"{len(got)} events instead of {len(known)}; missing {missing}, extra {extra}",
                run_id,
                None,
                {"got": stream.events, "history": history, "connections": stream.connections},
            )


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


def orphans(seen: Observation) -> Iterator[Violation]:
    """No process of an ended step is left, not even a daemon that it started."""
    for command in seen.orphans:
        yield Violation("orphans", command, command)


def leftovers(seen: Observation) -> Iterator[Violation]:
    """No folder, object or row of ended and deleted runs is left."""
    if seen.folders:
        yield Violation(
            "leftovers",
            f"{len(seen.folders)} folders of steps are left, such as {seen.folders[:3]}",
            f"folders {seen.round}",
            None,
            seen.folders,
        )
    if seen.objects:
        yield Violation(
            "leftovers",
            f"{len(seen.objects)} objects of deleted runs are left, such as {seen.objects[:3]}",
            f"objects {seen.round}",
            None,
            seen.objects,
        )
    for what, count in seen.rows.items():
        if count:
            yield Violation("leftovers", f"{count} {what}", f"{what} {seen.round}")


def backlog(seen: Observation) -> Iterator[Violation]:
    """Every message has been handled."""
    for one in seen.backlog:
        if one.pending or one.unacknowledged:
            yield Violation(
                "backlog",
                f"{one.consumer} has {one.pending} messages pending and {one.unacknowledged} "
                "unacknowledged",
                f"{one.consumer} {seen.round}",
            )


def dead_letters(seen: Observation) -> Iterator[Violation]:
    """No message was set aside: all that were sent can be read and obeyed."""
    for letter in seen.dead_letters:
        yield Violation("dead-letters", letter[:600], letter)


def bounded_streams(seen: Observation) -> Iterator[Violation]:
    """Each stream of the bus has a limit of bytes."""
    for name in seen.unbounded:
        yield Violation("bounded-streams", f"stream {name} has no limit of bytes", name)


def process_counts(seen: Observation) -> Iterator[Violation]:
    """Each program runs once, and idle launchers and connections are few."""
    limits = {"launcher": _LAUNCHERS, "fork-server": 1, "postgres-backend": _BACKENDS, "step": 0}
    for role in DAEMONS if seen.processes else ():
        if seen.processes.get(role, 0) != 1:
            yield Violation(
                "process-counts", f"{seen.processes.get(role, 0)} {role}", f"{role} {seen.round}"
            )
    for role, most in limits.items():
        if seen.processes.get(role, 0) > most:
            yield Violation(
                "process-counts",
                f"{seen.processes[role]} processes of {role}; at most {most} may be left",
                f"{role} {seen.round}",
            )


def descriptors(seen: Observation) -> Iterator[Violation]:
    """No process holds a socket of others."""
    for text in seen.shared_sockets:
        yield Violation("descriptors", text, f"{re.sub('[0-9]+', 'N', text)} {seen.round}")


def idle_cpu(seen: Observation) -> Iterator[Violation]:
    """When nothing is to be done, nothing is done."""
    if seen.strict_times and seen.idle_cpu is not None and seen.idle_cpu > _IDLE_CPU:
        yield Violation("idle-cpu", f"{seen.idle_cpu:.0%} of a core", f"round {seen.round}")


def programs_stay(seen: Observation) -> Iterator[Violation]:
    """A program ends only when a fault ends it."""
    whole = [at for at, program, _ in seen.exits if program == "supervisor"]
    for at, program, status in seen.exits:
        if program != "supervisor" and any(abs(at - other) < _TOGETHER_SECONDS for other in whole):
            continue  # its supervisor ended it
        near = [
            f
            for f in seen.faults()
            if f.began - 1 <= at and (f.ended is None or at <= f.ended + 10)
        ]
        if not any(_may_end(f.kind, f.target, program) for f in near):
            yield Violation(
                "programs-stay",
                f"{program} ended by itself with status {status}",
                f"{program} {at:.1f}",
                at,
                [f"{f.number} {f.kind} {f.target}" for f in near],
            )


def _may_end(kind: str, target: str, program: str) -> bool:
    whole = ("restart", "restart-repeatedly", "up-during-down", "several-ups",
             "kill-supervisor", "terminate-supervisor")  # fmt: skip
    if kind in whole:
        return True
    if kind == "kill-at-start":
        return program == "executor"
    if target == "postgres-backend":
        return False
    return target == program


def canaries(seen: Observation) -> Iterator[Violation]:
    """In rounds of kills only, no canary takes longer than 30 s; in others each ends."""
    for one in seen.journal.canaries(seen.round):
        end = one.seen_ended
        if one.final_state is not None and one.final_state != "SUCCEEDED":
            continue  # judged by its expected state
        if end is None:
            yield Violation("canaries", f"{one.name} did not end", one.name, one.sent)
        elif seen.strict_times and seen.mode == "kills" and end - one.sent > CANARY_SECONDS:
            yield Violation(
                "canaries", f"{one.name} took {end - one.sent:.1f} s", one.name, one.sent
            )


def stalls(seen: Observation) -> Iterator[Violation]:
    """Without a fault in sight, no canary stalls; half-open connections are noticed soon."""
    for one in seen.journal.canaries(seen.round):
        if one.seen_ended is None or not seen.strict_times:
            continue
        took = one.seen_ended - one.sent
        near = [
            fault
            for fault in seen.faults()
            if fault.began <= one.seen_ended
            and (fault.ended is None or fault.ended > one.sent - 30)
        ]
        if not near and took > _ANSWER_SECONDS:
            yield Violation(
                "stalls", f"{one.name} took {took:.1f} s without any fault", one.name, one.sent
            )
        if near and {f.kind for f in near} == {"half-open"} and took > _HALF_OPEN_SECONDS:
            yield Violation(
                "stalls",
                f"{one.name} took {took:.1f} s while connections were half open",
                one.name,
                one.sent,
            )


def answers(seen: Observation) -> Iterator[Violation]:
    """The gateway answers with words: 503 or 507 while something is away, never 500; and it does
    not let a submission wait for a service that the submission does not need."""
    needed = {"ui_gateway", "api", "postgres", "postgres-backend", "s3", "supervisor",
              "deployment", "data-folder"}  # fmt: skip
    for answer in seen.journal.answers:
        if answer.status >= 500 and answer.status not in (503, 507):
            yield Violation(
                "answers",
                f"{answer.request} has status {answer.status}: {answer.body}",
                f"{answer.request.partition('/runs/')[0]} {answer.status} {answer.body[:80]}",
                answer.at,
            )
        near = [f for f in seen.faults() if f.active_at(answer.at, 10)]
        if (
            seen.strict_times
            and answer.request == "POST /api/v1/runs"
            and answer.seconds > _ANSWER_SECONDS
            and not {f.target for f in near} & needed
        ):
            yield Violation(
                "answers",
                f"{answer.request} took {answer.seconds:.1f} s with status {answer.status}; "
                f"faults: {[f'{f.kind} {f.target}' for f in near]}",
                f"{answer.request} {answer.at}",
                answer.at,
            )


def status_is_true(seen: Observation) -> Iterator[Violation]:
    """While ``headrace status`` says ready, runs proceed: not all canaries of half a minute
    fail."""
    ready = [status.at for status in seen.journal.statuses if status.state == "ready"]
    for one in seen.journal.canaries(seen.round):
        end = one.seen_ended or float("inf")
        said = [at for at in ready if one.sent + _NOT_READY_SECONDS < at < end]
        if len(said) >= 3 and seen.strict_times:
            yield Violation(
                "status-is-true",
                f"status said ready {len(said)} times while {one.name} did not proceed for more "
                f"than {_NOT_READY_SECONDS:.0f} s",
                one.name,
                one.sent,
            )

"""What is left behind when all runs have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation
from tests.chaos.processes import DAEMONS

_IDLE_CPU = 0.25
_LAUNCHERS = 4
_BACKENDS = 50


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
    if seen.strict_times and (seen.idle_cpu or 0.0) > _IDLE_CPU:
        yield Violation("idle-cpu", f"{seen.idle_cpu:.0%} of a core", f"round {seen.round}")

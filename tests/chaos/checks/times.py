"""How long things take, and whether the status is true."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import Violation

CANARY_SECONDS = 30.0
_HALF_OPEN_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_NOT_READY_SECONDS = 30.0
_ECHO_SECONDS = 30.0
"""For so long after its end a fault may explain something."""


def canaries(seen: Observation) -> Iterator[Violation]:
    """In rounds of kills only, no canary takes longer than 30 s; in others each ends."""
    for one in seen.journal.canaries(seen.round):
        end = one.seen_ended
        if one.final_state is not None and one.final_state != "SUCCEEDED":
            continue  # judged by its expected state
        if end is None:
            yield Violation("canaries", f"{one.name} did not end", one.name, one.sent)
        elif (
            seen.strict_times
            and seen.mode == "kills"
            and end - one.sent > CANARY_SECONDS * seen.journal.slack(end)
        ):
            yield Violation(
                "canaries", f"{one.name} took {end - one.sent:.1f} s", one.name, one.sent
            )


def stalls(seen: Observation) -> Iterator[Violation]:
    """Without a fault in sight, no canary stalls; half-open connections are noticed soon."""
    for one in seen.journal.canaries(seen.round):
        if one.seen_ended is None or not seen.strict_times:
            continue
        took = (one.seen_ended - one.sent) / seen.journal.slack(one.sent)
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
            and answer.seconds > _ANSWER_SECONDS * seen.journal.slack(answer.at)
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
        patience = _NOT_READY_SECONDS * seen.journal.slack(one.sent)
        said = [at for at in ready if one.sent + patience < at < end]
        if len(said) >= 3 and seen.strict_times:
            yield Violation(
                "status-is-true",
                f"status said ready {len(said)} times while {one.name} did not proceed for more "
                f"than {patience:.0f} s",
                one.name,
                one.sent,
            )

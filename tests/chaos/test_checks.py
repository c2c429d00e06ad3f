"""Each check finds nothing wrong with a healthy deployment, and finds a fault that was made up for
it. A check that cannot fail checks nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.chaos.checks import effects, events, leftovers, programs, runs, times
from tests.chaos.checks.observation import Backlog, Execution, Observation
from tests.chaos.checks.table import CHECKS, Check
from tests.chaos.journal import Answer, Fault, Journal, Operation, Status, Stream, Submission
from tests.chaos.processes import DAEMONS
from tests.chaos.workload.recurring import Recurring

NOW = time.time()
RUN = "11111111-1111-1111-1111-111111111111"
TASK = "22222222-2222-2222-2222-222222222222"
LAUNCH = f"{RUN}-{TASK}-1"
SUCCEEDS = frozenset({"SUCCEEDED"})


def _execution(nonce: str, began: float = 1.0, **more: Any) -> Execution:
    values: dict[str, Any] = {
        "run": RUN,
        "task": TASK,
        "attempt": 1,
        "nonce": nonce,
        "step": "give",
        "launch": LAUNCH,
        "pid": 100,
        "launcher": 99,
        "began": NOW + began,
        "ended": NOW + began + 1,
        "how": "succeeded",
    }
    return Execution(**{**values, **more})


def _handler(**more: Any) -> Execution:
    values = {"task": "3" * 36, "step": "act", "launch": f"{RUN}-{'3' * 36}-1"}
    return _execution(more.pop("nonce", "handler"), 3.0, **values, **more)


def _fault(kind: str = "kill", target: str = "api", began: float = 0.0, **more: Any) -> Fault:
    made = Fault(1, kind, target, "", 1, NOW + began, NOW + began + 1, hit=True)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


def _healthy() -> Observation:
    """One run with an exit handler, a canary, a recurring run, a stream: all as it should be."""
    journal = Journal("seed", began=NOW, round=1)
    submission = Submission(1, "handled", "http", "key", SUCCEEDS, 1, NOW, 2, NOW + 1, [RUN, RUN])
    canary = Submission(2, "canary", "canary", "key 2", SUCCEEDS, 1, NOW, 1, NOW + 1, ["canary"])
    canary.seen_ended, canary.final_state = NOW + 1, "SUCCEEDED"
    journal.submissions = [submission, canary]
    journal.streams[RUN] = Stream(RUN, [(1, "a"), (2, "b")], ended=True, connections=2)
    seen = Observation(journal, 1, "kills")
    task = {
        "task_id": TASK,
        "name": "give",
        "state": "SUCCEEDED",
        "attempt": 1,
        "outputs": {"parameters": {"nonce": "first"}},
        "error": None,
    }
    run = {
        "run_id": RUN,
        "display_name": submission.name,
        "state": "SUCCEEDED",
        "state_history": [],
        "created_at": _moment(0),
        "finished_at": _moment(6),
        "tasks": [task],
    }
    seen.runs = {RUN: run, "canary": {**run, "run_id": "canary", "tasks": []}}
    seen.by_name = {submission.name: [RUN], canary.name: ["canary"]}
    seen.states = {
        source: dict.fromkeys(seen.runs, "SUCCEEDED")
        for source in ("kfp", "api", "scheduler", "recorder")
    }
    seen.events = {RUN: [(1, "a", "run.submitted", NOW), (2, "b", "run.succeeded", NOW)]}
    seen.logs = {(RUN, TASK): 200}
    taken = _execution(
        "second", 2.0, task="4" * 36, step="take", saw={"parameter": "first", "artifact": "first"}
    )
    seen.executions = {RUN: [_execution("first"), taken, _handler()]}
    slots = {str(n): NOW + 10 * n for n in range(3)}
    seen.recurring = [Recurring("r", 10, NOW, NOW + 30, slots)]
    seen.rows = {"messages in the outbox of api": 0}
    seen.backlog = [Backlog("api-events", 0, 0)]
    seen.processes = {**dict.fromkeys(DAEMONS, 1), "launcher": 4, "fork-server": 1}
    seen.idle_cpu = 0.02
    return seen


@dataclass(frozen=True)
class Case:
    """A fault of the deployment that a check must find."""

    check: Check
    name: str
    spoil: Callable[[Observation], Any]


def _run(seen: Observation) -> dict[str, Any]:
    return seen.runs[RUN]


def _first(seen: Observation) -> Submission:
    return seen.journal.submissions[0]


def _canary(seen: Observation) -> Submission:
    return seen.journal.submissions[1]


def _ready_but_stuck(seen: Observation) -> None:
    _canary(seen).seen_ended = None
    seen.journal.statuses = [Status(NOW + at, "ready", {}) for at in (40, 50, 60)]


def _half_open(seen: Observation) -> None:
    seen.journal.faults = [_fault("half-open", "nats")]
    _canary(seen).seen_ended = NOW + 26


def _repeat(seen: Observation) -> None:
    seen.executions[RUN].insert(1, _execution("again", 2.5, attempt=2, launch=f"{RUN}-{TASK}-2"))


CASES = (
    Case(runs.one_run_a_submission, "two runs", lambda s: s.by_name["handled 1"].append("other")),
    Case(runs.one_run_a_submission, "lost", lambda s: s.by_name["handled 1"].clear()),
    Case(runs.one_run_a_submission, "two answers", lambda s: _first(s).run_ids.append("other")),
    Case(
        runs.one_run_a_submission, "another run", lambda s: s.by_name.update({"handled 1": ["x"]})
    ),
    Case(runs.accepted, "rejected", lambda s: setattr(_first(s), "refused", "400 no")),
    Case(runs.accepted, "no answer", lambda s: setattr(_first(s), "answered", None)),
    Case(runs.every_run_ended, "hangs", lambda s: _run(s).update(state="RUNNING")),
    Case(runs.every_run_ended, "a task", lambda s: _run(s)["tasks"][0].update(state="READY")),
    Case(runs.expected_states, "failed", lambda s: _run(s).update(state="FAILED")),
    Case(runs.expected_states, "canceled", lambda s: _run(s).update(state="CANCELED")),
    Case(runs.sources_agree, "differs", lambda s: s.states["scheduler"].update({RUN: "RUNNING"})),
    Case(runs.sources_agree, "missing", lambda s: s.states["kfp"].clear()),
    Case(runs.logs_are_readable, "no log", lambda s: s.logs.update({(RUN, TASK): 404})),
    Case(
        effects.no_overlap, "two at once", lambda s: s.executions[RUN][1].overlaps.append("first")
    ),
    Case(
        effects.one_execution_an_attempt,
        "two executions",
        lambda s: s.executions[RUN].append(_execution("again", 4)),
    ),
    Case(effects.repeated_for_a_reason, "repeated", _repeat),
    Case(
        effects.outputs_of_one_execution,
        "mixed",
        lambda s: s.executions[RUN][1].saw.update(artifact="other"),
    ),
    Case(
        effects.outputs_of_one_execution,
        "not recorded",
        lambda s: s.executions[RUN][1].saw.update(parameter="other", artifact="other"),
    ),
    Case(
        effects.recorded_attempts,
        "too few",
        lambda s: s.executions[RUN].append(_execution("again", attempt=2)),
    ),
    Case(
        effects.recorded_attempts,
        "never came to its end",
        lambda s: setattr(s.executions[RUN][0], "how", None),
    ),
    Case(
        effects.nothing_after_the_end,
        "late",
        lambda s: s.executions[RUN].append(_execution("late", 60)),
    ),
    Case(effects.exit_handlers, "none", lambda s: s.executions[RUN].pop()),
    Case(
        effects.exit_handlers,
        "twice",
        lambda s: s.executions[RUN].append(_handler(nonce="twice")),
    ),
    Case(events.streams, "no end", lambda s: setattr(s.journal.streams[RUN], "ended", False)),
    Case(events.streams, "a gap", lambda s: s.journal.streams[RUN].events.pop(0)),
    Case(events.streams, "ends early", lambda s: s.journal.streams[RUN].events.pop()),
    Case(events.streams, "doubled", lambda s: s.journal.streams[RUN].events.append((2, "b"))),
    Case(events.streams, "disordered", lambda s: s.journal.streams[RUN].events.reverse()),
    Case(events.slots, "missing", lambda s: s.recurring[0].slots.pop("1")),
    Case(events.slots, "twice", lambda s: s.recurring[0].slots.update(again=NOW + 10)),
    Case(events.slots, "early", lambda s: s.recurring[0].early.update(early=3000.0)),
    Case(events.slots, "none", lambda s: s.recurring[0].slots.clear()),
    Case(events.recurring_runs_ended, "hangs", lambda s: s.open_recurring.append(RUN)),
    Case(leftovers.orphans, "daemon", lambda s: s.orphans.append("1 chaos-daemon")),
    Case(leftovers.leftovers, "folder", lambda s: s.folders.append(RUN)),
    Case(leftovers.leftovers, "object", lambda s: s.objects.append("runs/default/x")),
    Case(leftovers.leftovers, "row", lambda s: s.rows.update(launches=1)),
    Case(leftovers.backlog, "pending", lambda s: s.backlog.append(Backlog("x", 1, 0))),
    Case(leftovers.backlog, "unacknowledged", lambda s: s.backlog.append(Backlog("x", 0, 1))),
    Case(leftovers.dead_letters, "set aside", lambda s: s.dead_letters.append("dlq.api")),
    Case(leftovers.bounded_streams, "unbounded", lambda s: s.unbounded.append("EVENTS")),
    Case(leftovers.process_counts, "no api", lambda s: s.processes.update(api=0)),
    Case(leftovers.process_counts, "two of nats", lambda s: s.processes.update(nats=2)),
    Case(leftovers.process_counts, "launchers", lambda s: s.processes.update(launcher=9)),
    Case(leftovers.descriptors, "shared", lambda s: s.shared_sockets.append("socket:[1]")),
    Case(leftovers.idle_cpu, "busy", lambda s: setattr(s, "idle_cpu", 0.9)),
    Case(
        programs.programs_stay,
        "ends by itself",
        lambda s: s.exits.append((NOW, "scheduler", "process 1")),
    ),
    Case(times.canaries, "slow", lambda s: setattr(_canary(s), "seen_ended", NOW + 31)),
    Case(times.canaries, "stuck", lambda s: setattr(_canary(s), "seen_ended", None)),
    Case(times.stalls, "without a fault", lambda s: setattr(_canary(s), "seen_ended", NOW + 10)),
    Case(times.stalls, "half open", _half_open),
    Case(
        times.answers,
        "500",
        lambda s: s.journal.answers.append(Answer(NOW, "GET /api/v1/runs", 500, 0.1, "")),
    ),
    Case(
        times.answers,
        "slow",
        lambda s: s.journal.answers.append(Answer(NOW, "POST /api/v1/runs", 201, 15, "")),
    ),
    Case(times.status_is_true, "ready but stuck", _ready_but_stuck),
)


def test_every_check_has_a_case() -> None:
    assert {case.check for case in CASES} == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_finds_nothing_wrong_with_a_healthy_deployment(check: Check) -> None:
    assert list(check(_healthy())) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check.__name__}: {case.name}")
def test_a_check_finds_a_fault(case: Case) -> None:
    seen = _healthy()
    case.spoil(seen)
    assert list(case.check(seen))


def _after(*faults: Fault) -> Observation:
    seen = _healthy()
    seen.journal.faults = list(faults)
    return seen


def test_a_run_may_fail_when_its_step_was_killed() -> None:
    seen = _after(_fault("kill", "step", launches=(LAUNCH,)))
    _run(seen)["state"] = "FAILED"
    assert list(runs.expected_states(seen)) == []


def test_a_run_may_fail_when_the_platform_lost_its_step_too_often() -> None:
    lost = [_fault("kill", "launcher", launches=(LAUNCH,)) for _ in range(4)]
    seen = _after(*lost)
    _run(seen)["state"] = "FAILED"
    assert list(runs.expected_states(seen)) == []
    seen.journal.faults.pop()
    assert list(runs.expected_states(seen))


def test_a_run_may_be_canceled_when_somebody_cancels_it() -> None:
    seen = _healthy()
    _first(seen).operations.append(Operation("cancel", NOW))
    _run(seen)["state"] = "CANCELED"
    assert list(runs.expected_states(seen)) == []


def test_a_command_may_be_repeated_when_its_launcher_was_killed() -> None:
    seen = _after(_fault("kill", "launcher", pids=(99,)))
    _repeat(seen)
    assert list(effects.repeated_for_a_reason(seen)) == []


def test_a_program_may_end_when_a_fault_ends_it() -> None:
    seen = _after(_fault("kill", "scheduler"))
    seen.exits.append((NOW, "scheduler", "process 1"))
    assert list(programs.programs_stay(seen)) == []


def test_limits_of_time_grow_with_the_load_of_the_machine() -> None:
    seen = _healthy()
    _canary(seen).seen_ended = NOW + 31
    seen.journal.loads = [(NOW, 8.0)]
    assert list(times.canaries(seen)) == []

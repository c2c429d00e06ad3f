"""Retries, deadlines, the cache, limits, and operations on a run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.messages.events import (
    AttemptFailed,
    Origin,
    RunCancelRequested,
    RunLimits,
    RunPauseRequested,
    RunResumeRequested,
    RunRetryRequested,
)
from headrace_contracts.values import Outputs
from headrace_scheduler.core.admission import Queued, admit
from headrace_scheduler.core.decide import RunAdmitted
from headrace_scheduler.core.decision import EarlierOutputs
from headrace_scheduler.core.end import MAX_LOST
from headrace_scheduler.core.plan import Retries

from tests.support.submissions import RUN_ID
from tests.unit.scheduler.core.test_graphs import VALUE, dag, handled
from tests.unit.scheduler.runs import STRING, Played, Spec, component, spec, start, task

STEP = component({"x": {**STRING, "isOptional": True}}, VALUE)


def chain(*names: str, **more: Any) -> list[Spec]:
    """A chain of steps; `more` are further fields of each task."""
    return spec(
        {
            name: task("step", after=names[index - 1 : index] if index else (), **more)
            for index, name in enumerate(names)
        },
        {"step": STEP},
    )


def retried(count: int, pause: str = "10s", factor: float = 3.0) -> Spec:
    policy = {
        "maxRetryCount": count,
        "backoffDuration": pause,
        "backoffFactor": factor,
        "backoffMaxDuration": "60s",
    }
    return {"retryPolicy": policy}


def test_pauses_between_attempts_grow() -> None:
    played = start(chain("a", **retried(3)), {}, {"root/a": 9})
    pauses = []
    played.finish()
    while played.record("root/a").state == "WAITING":
        due = played.record("root/a").due_at
        assert due is not None
        pauses.append((due - played.now).total_seconds())
        played.wait(pauses[-1] - 1)
        assert played.record("root/a").state == "WAITING"
        played.wait(1)
        played.finish()
    assert pauses == [10, 30, 60]
    assert played.record("root/a").state == "FAILED"
    assert played.launches["root/a"].attempt == 4
    assert played.launches["root/a"].retry_index == 3


def lost_attempt(played: Played, path: str, *, stopped: bool = False) -> AttemptFailed:
    """The end of the current attempt: the platform lost it, or it was stopped with its
    deployment."""
    launch = played.launches[path]
    played.running.remove(launch)
    return AttemptFailed(
        run_id=launch.run_id,
        task_id=launch.task_id,
        attempt=launch.attempt,
        failure=Failure(code=FailureCode.ATTEMPT_LOST, message="it vanished"),
        retryable=True,
        deployment_stopped=stopped,
        finished_at=played.now,
    )


def test_pauses_between_lost_attempts_grow_and_end_and_cost_no_retry() -> None:
    played = start(chain("a", **retried(1)))
    pauses = []
    played.take(lost_attempt(played, "root/a"))
    while played.record("root/a").retries == 0:
        due = played.record("root/a").due_at
        assert due is not None
        pauses.append((due - played.now).total_seconds())
        played.wait(pauses[-1])
        assert played.launches["root/a"].retry_index == 0
        played.take(lost_attempt(played, "root/a"))
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    played.wait(10)
    played.take(lost_attempt(played, "root/a"))
    assert played.record("root/a").state == "FAILED", "it does not loop for ever"


def test_a_lost_attempt_does_not_delay_other_branches() -> None:
    tasks = {"a": task("c"), "b": task("c"), "after-b": task("c", after=("b",))}
    played = start(spec(tasks, {"c": component()}))
    played.take(lost_attempt(played, "root/a"))
    played.finish()
    assert played.record("root/after-b").state == "SUCCEEDED"
    assert played.record("root/a").state == "WAITING"
    played.wait(1)
    played.finish()
    assert played.run.header.state == "SUCCEEDED"


def test_orderly_stops_cost_neither_retries_nor_losses_however_many() -> None:
    played = start(chain("a"))
    for attempt in range(1, 3 * MAX_LOST):
        assert played.launches["root/a"].attempt == attempt
        played.take(lost_attempt(played, "root/a", stopped=True))
        assert played.record("root/a").lost == played.record("root/a").retries == 0
    played.finish()
    assert played.run.header.state == "SUCCEEDED"
    assert played.launches["root/a"].retry_index == 0


def test_a_canceled_run_repeats_nothing_that_was_stopped_with_the_deployment() -> None:
    played = start(chain("a"))
    played.take(RunCancelRequested(run_id=RUN_ID))
    played.take(lost_attempt(played, "root/a", stopped=True))
    assert played.run.header.state == "CANCELED"


def test_a_retry_without_a_pause_is_at_once() -> None:
    played = start(chain("a", **retried(1, "0s")), {}, {"root/a": 1})
    played.finish()
    assert played.record("root/a").state == "SUCCEEDED"
    assert played.published("task.waiting") == []


def test_a_retried_dag_keeps_the_tasks_that_succeeded() -> None:
    inner = dag({"good": task("step"), "bad": task("step", after=["good"])})
    documents = spec(
        {"dag": task("dag", **retried(2, "5s"))}, {"dag": component(dag=inner), "step": STEP}
    )
    played = start(documents, {}, {"root/dag/bad": 1})
    played.failing = {"root/dag/bad": 9}
    played.finish()
    assert played.record("root/dag").state == "WAITING"
    played.failing = {}
    played.wait(5)
    assert [command.path for command in played.running] == ["root/dag/bad"]
    played.finish()
    assert played.run.header.state == "SUCCEEDED"
    assert played.launches["root/dag/good"].attempt == 1
    assert played.launches["root/dag/bad"].attempt == 2


def test_the_deadline_stops_the_run_and_fails_it() -> None:
    played = start(chain("a", "b"), deadline_seconds=60.0)
    played.wait(59)
    assert played.commands == [played.launches["root/a"]]
    played.wait(1)
    assert played.commands[-1].type == "attempt.cancel"
    played.failing = {"root/a": 9}
    played.finish()
    assert played.states() == {"root/a": "CANCELED", "root/b": "CANCELED"}
    (failed,) = played.published("run.failed")
    assert failed.failure.code is FailureCode.DEADLINE_EXCEEDED


def canceled(played: Played, *, force: bool = False) -> None:
    played.take(RunCancelRequested(run_id=RUN_ID, force=force))
    played.failing = {command.path: 9 for command in played.running}


def test_a_canceled_run_still_runs_its_exit_task() -> None:
    played = handled(0)
    canceled(played)
    played.finish("root/exit-handler-1/first")
    assert played.run.header.state == "CANCELING"
    played.finish("root/clean-up")
    assert played.launches["root/clean-up"].inputs.parameters["s"]["state"] == "CANCELED"
    assert played.record("root/clean-up").state == "SUCCEEDED"
    assert played.run.header.state == "CANCELED"


def test_a_forced_cancellation_stops_the_exit_task_too() -> None:
    played = handled(0)
    canceled(played)
    played.finish("root/exit-handler-1/first")
    canceled(played, force=True)
    assert played.commands[-1].type == "attempt.cancel"
    played.finish()
    assert played.record("root/clean-up").state == "CANCELED"
    assert played.run.header.state == "CANCELED"


def test_a_duplicate_cancellation_has_no_effect() -> None:
    played = handled(0)
    canceled(played)
    events = list(played.events)
    canceled(played)
    assert played.events == events


def test_a_paused_run_starts_nothing_new_until_it_is_resumed() -> None:
    played = start(chain("a", "b"))
    played.take(RunPauseRequested(run_id=RUN_ID))
    played.finish()
    assert played.states() == {"root/a": "SUCCEEDED", "root/b": "PENDING"}
    assert played.run.header.state == "PAUSED"
    played.take(RunResumeRequested(run_id=RUN_ID))
    played.finish()
    assert played.run.header.state == "SUCCEEDED"
    revisions = [e.revision for e in played.events if hasattr(e, "revision")]
    assert revisions == sorted(set(revisions))


def test_a_retried_run_keeps_the_tasks_that_succeeded() -> None:
    played = start(chain("a", "b", "c"), {}, {"root/b": 9})
    played.finish()
    assert played.run.header.state == "FAILED"
    played.failing = {}
    played.take(RunRetryRequested(run_id=RUN_ID))
    assert played.states() == {"root/a": "SUCCEEDED", "root/b": "READY", "root/c": "PENDING"}
    played.finish()
    assert played.run.header.state == "SUCCEEDED"
    assert [played.launches[f"root/{name}"].attempt for name in "abc"] == [1, 2, 1]


def test_a_run_that_succeeded_is_not_retried() -> None:
    played = start(chain("a"))
    played.finish()
    before = list(played.events)
    played.take(RunRetryRequested(run_id=RUN_ID))
    assert played.events == before


CACHED = {"cachingOptions": {"enableCache": True}}
CACHED_OUTPUTS = EarlierOutputs(
    Outputs(parameters={"value": "kept"}),
    Origin(kind="cache", run_id=UUID(int=7), task_id=UUID(int=8)),
)


def test_a_cached_step_is_not_launched() -> None:
    played = start(chain("a", "b", **CACHED), {}, {}, {"root/a": CACHED_OUTPUTS})
    assert "root/a" not in played.launches
    (event,) = played.published("task.succeeded")
    assert event.outputs.parameters == {"value": "kept"}
    assert event.origin == CACHED_OUTPUTS.origin
    assert event.fingerprint is not None
    played.finish()
    assert played.run.header.state == "SUCCEEDED"


def test_a_cache_miss_publishes_the_fingerprint() -> None:
    played = start(chain("a", **CACHED))
    (ready,) = played.published("task.ready")
    assert ready.fingerprint.parts["command"] == ["true"]
    assert ready.fingerprint.digest == played.record("root/a").fingerprint


@pytest.mark.parametrize("more", [{"caching": False}, {}])
def test_the_cache_can_be_disabled_for_a_run_or_a_task(more: dict[str, Any]) -> None:
    options = CACHED if more else {}
    played = start(chain("a", **options), {}, {}, {"root/a": CACHED_OUTPUTS}, **more)
    assert "root/a" in played.launches


def test_a_run_with_limits_waits_until_it_is_admitted() -> None:
    played = start(chain("a"), limits=RunLimits(pipeline=1))
    assert played.run.header.state == "PENDING"
    assert played.commands == []
    played.take(RunAdmitted(RUN_ID))
    assert played.run.header.state == "RUNNING"
    assert "root/a" in played.launches


def test_a_queued_run_can_be_canceled() -> None:
    played = start(chain("a"), limits=RunLimits(namespace=1))
    played.take(RunCancelRequested(run_id=RUN_ID))
    assert played.run.header.state == "CANCELED"
    played.take(RunRetryRequested(run_id=RUN_ID))
    assert "root/a" in played.launches


def queued(number: int, name: str, **limits: int) -> Queued:
    return Queued(UUID(int=number), name, RunLimits(**limits))


@pytest.mark.parametrize(
    ("active", "waiting", "admitted"),
    [
        ({}, [queued(1, "p", pipeline=1), queued(2, "p", pipeline=1)], [1]),
        ({"p": 1}, [queued(1, "p", pipeline=1), queued(2, "q", pipeline=1)], [2]),
        ({"p": 2}, [queued(1, "q", namespace=2)], []),
        ({"p": 1}, [queued(1, "q", namespace=3), queued(2, "q", namespace=3)], [1, 2]),
        ({"p": 9}, [queued(1, "p")], [1]),
    ],
)
def test_runs_are_admitted_as_limits_allow(
    active: dict[str, int], waiting: list[Queued], admitted: list[int]
) -> None:
    assert [run_id.int for run_id in admit(active, waiting)] == admitted


@pytest.mark.parametrize(("factor", "failed"), [(2.0, 5000), (1e308, 3)])
def test_a_pause_never_exceeds_its_limit(factor: float, failed: int) -> None:
    assert Retries(9, 1.0, factor, 60.0).pause_seconds(failed) == 60

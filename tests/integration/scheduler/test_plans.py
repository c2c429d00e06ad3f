"""Specs are read outside of transactions, and only the runs that need one wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from headrace_contracts.messages import events as e
from headrace_contracts.messages.events import RunLimits
from headrace_runtime.errors import RetryableError, TooEarlyError
from headrace_scheduler import plans
from headrace_scheduler.core.decide import decide
from headrace_scheduler.core.run import Run

from tests.integration.scheduler.conftest import chain

if TYPE_CHECKING:
    from tests.integration.scheduler.conftest import Scheduler


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_LONGEST_WAIT_SECONDS", 0.5)


async def test_a_spec_is_read_once_for_many_runs(scheduler: Scheduler) -> None:
    runs = [scheduler.submission(chain("a")) for _ in range(3)]
    await scheduler.send(*runs)
    await scheduler.succeed(runs[0].run_id, "root/a")
    assert len(scheduler.of(runs[0].run_id, "run.succeeded")) == 1
    assert scheduler.objects.requests == 1
    scheduler.restart()
    await scheduler.send(*(e.RunCancelRequested(run_id=run.run_id) for run in runs[1:]))
    assert scheduler.objects.requests == 2


async def test_no_transaction_waits_for_a_slow_store(scheduler: Scheduler) -> None:
    scheduler.objects.slow.add("specs/")
    submission = scheduler.submission(chain("a"))
    handling = asyncio.create_task(scheduler.send(submission))
    await scheduler.objects.requested.wait()
    assert await scheduler.waiting_transactions() == 0
    with pytest.raises(RetryableError, match="still being read"):
        await handling
    scheduler.objects.released.set()
    await scheduler.send(submission)
    assert len(scheduler.launches(submission.run_id)) == 1


async def test_a_run_after_a_restart_is_loaded_without_a_waiting_transaction(
    scheduler: Scheduler,
) -> None:
    run = scheduler.submission(chain("a", "b"))
    await scheduler.send(run)
    scheduler.restart()
    scheduler.objects.slow.add("specs/")
    handling = asyncio.create_task(scheduler.succeed(run.run_id, "root/a"))
    await scheduler.objects.requested.wait()
    assert await scheduler.waiting_transactions() == 0
    scheduler.objects.released.set()
    await handling
    assert [one["path"] for one in scheduler.launches(run.run_id)] == ["root/a", "root/b"]


@pytest.mark.parametrize("fault", ["slow", "unavailable"])
async def test_only_runs_that_need_the_spec_wait(scheduler: Scheduler, fault: str) -> None:
    known = scheduler.submission(chain("a", "b"))
    await scheduler.send(known)
    new = scheduler.submission(chain("c"))
    getattr(scheduler.objects, fault).add(new.spec.key)
    with pytest.raises(TooEarlyError):  # the consumer then delivers the messages one by one
        await scheduler.send(new, e.RunPauseRequested(run_id=known.run_id))
    assert len(scheduler.of(known.run_id, "run.paused")) == 1
    with pytest.raises(RetryableError) as caught:
        await scheduler.send(new)
    assert not isinstance(caught.value, TooEarlyError), "it must never become a dead letter"
    async with asyncio.timeout(0.4):  # a store that is known to be slow is not waited for again
        for action in (e.RunResumeRequested, e.RunPauseRequested):
            with pytest.raises(TooEarlyError):
                await scheduler.send(new, action(run_id=known.run_id))
    assert len(scheduler.of(known.run_id, "run.paused")) == 2
    scheduler.objects.unavailable.clear()
    scheduler.objects.released.set()
    await scheduler.send(new)
    assert len(scheduler.launches(new.run_id)) == 1


async def test_the_same_holds_for_a_known_run_after_a_restart(scheduler: Scheduler) -> None:
    first, second = scheduler.submission(chain("a", "b")), scheduler.submission(chain("c", "d"))
    await scheduler.send(first, second)
    scheduler.restart()
    scheduler.objects.unavailable.add(first.spec.key)
    with pytest.raises(TooEarlyError):
        await scheduler.send(*(e.RunPauseRequested(run_id=run.run_id) for run in (first, second)))
    assert len(scheduler.of(second.run_id, "run.paused")) == 1
    assert scheduler.of(first.run_id, "run.paused") == []
    scheduler.objects.unavailable.clear()
    await scheduler.send(e.RunPauseRequested(run_id=first.run_id))
    assert len(scheduler.of(first.run_id, "run.paused")) == 1


async def test_events_of_a_run_that_waits_are_not_taken_as_handled(scheduler: Scheduler) -> None:
    known, new = scheduler.submission(chain("a")), scheduler.submission(chain("c"))
    await scheduler.send(known)
    scheduler.objects.unavailable.add(new.spec.key)
    with pytest.raises(TooEarlyError):
        await scheduler.send(new, e.RunPauseRequested(run_id=known.run_id))
    inbox = await scheduler.rows("SELECT count(*) AS n FROM inbox")
    scheduler.objects.unavailable.clear()
    await scheduler.send(new)
    assert (await scheduler.rows("SELECT count(*) AS n FROM inbox"))[0]["n"] == inbox[0]["n"] + 1


@pytest.mark.parametrize("body", [None, b"{}", b"not JSON"])
async def test_a_new_run_without_a_readable_spec_fails(
    scheduler: Scheduler, body: bytes | None
) -> None:
    broken, good = scheduler.submission(chain("a")), scheduler.submission(chain("b"))
    if body is None:
        del scheduler.objects.stored[broken.spec.key]
    else:
        scheduler.objects.stored[broken.spec.key] = body
    await scheduler.send(broken, good)
    assert len(scheduler.launches(good.run_id)) == 1
    (failed,) = scheduler.of(broken.run_id, "run.failed")
    assert failed["revision"] == 1
    assert failed["failure"]["code"] == "INPUT_INVALID"
    assert "the pipeline spec cannot be read: " in failed["failure"]["message"]
    assert broken.spec.key in failed["failure"]["message"]
    await scheduler.send(broken)
    assert len(scheduler.of(broken.run_id, "run.failed")) == 1


async def test_a_run_that_failed_without_a_spec_can_be_retried_or_deleted(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_UNREADABLE_SECONDS", 0)
    broken = scheduler.submission(chain("a"))
    body = scheduler.objects.stored.pop(broken.spec.key)
    await scheduler.send(broken)
    scheduler.objects.stored[broken.spec.key] = body
    await scheduler.send(e.RunRetryRequested(run_id=broken.run_id))
    assert len(scheduler.launches(broken.run_id)) == 1
    del scheduler.objects.stored[broken.spec.key]
    scheduler.restart()
    await scheduler.send(e.RunDeleted(run_id=broken.run_id))
    assert len(scheduler.of(broken.run_id, "attempt.cancel")) == 1
    assert len(scheduler.of(broken.run_id, "run.clean")) == 1
    (row,) = await scheduler.rows("SELECT state FROM run WHERE run_id = $1", broken.run_id)
    assert row["state"] == "DELETED"


async def test_a_known_run_whose_spec_is_gone_is_postponed(scheduler: Scheduler) -> None:
    """Its state may be intact, so it neither fails nor do its messages become dead letters."""
    lost, good = scheduler.submission(chain("a", "b")), scheduler.submission(chain("c", "d"))
    lost = lost.model_copy(update={"deadline_seconds": 0.001})
    await scheduler.send(lost, good)
    body = scheduler.objects.stored.pop(lost.spec.key)
    scheduler.restart()
    with pytest.raises(RetryableError, match="there is no object"):
        await scheduler.send(e.RunPauseRequested(run_id=lost.run_id))
    requests = scheduler.objects.requests
    for _ in range(5):
        await scheduler.handlers.tick()
    assert scheduler.objects.requests == requests, "the store is not asked at each tick"
    await scheduler.succeed(good.run_id, "root/c")
    assert len(scheduler.launches(good.run_id)) == 2
    scheduler.objects.stored[lost.spec.key] = body
    scheduler.restart()
    await scheduler.handlers.tick()
    assert len(scheduler.of(lost.run_id, "attempt.cancel")) == 1, "the deadline has passed"


async def test_two_transactions_that_read_the_same_spec_both_wait_for_it(
    scheduler: Scheduler,
) -> None:
    scheduler.objects.slow.add("specs/")
    runs = [scheduler.submission(chain("a")) for _ in range(2)]
    handling = [asyncio.create_task(scheduler.send(run)) for run in runs]
    await scheduler.objects.requested.wait()
    await asyncio.sleep(0.05)
    scheduler.objects.released.set()
    await asyncio.gather(*handling)
    assert all(len(scheduler.launches(run.run_id)) == 1 for run in runs)


async def test_plans_that_are_about_to_be_used_stay_in_memory(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_PLANS_IN_MEMORY", 1)
    known = scheduler.submission(chain("k"))
    await scheduler.send(known)
    runs = [scheduler.submission(chain("a", word=str(number))) for number in range(4)]
    scheduler.objects.slow.add(runs[0].spec.key)
    handling = asyncio.create_task(scheduler.send(*runs))
    await scheduler.objects.requested.wait()
    requests = scheduler.objects.requests
    await scheduler.succeed(known.run_id, "root/k")  # trims the plans
    scheduler.objects.released.set()
    await handling
    assert scheduler.objects.requests == requests
    assert len(scheduler.handlers._plans._plans) == 1


async def test_a_run_with_a_fault_does_not_hold_up_the_timers_of_others(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [scheduler.submission(chain("a"), deadline_seconds=0.001) for _ in range(2)]
    await scheduler.send(*runs)

    def faulty(run: Run, *rest: Any) -> Any:
        if run.run_id == runs[0].run_id:
            raise ValueError("a fault")
        return decide(run, *rest)

    monkeypatch.setattr("headrace_scheduler.handlers.decide", faulty)
    await scheduler.handlers.tick()
    assert len(scheduler.of(runs[1].run_id, "attempt.cancel")) == 1
    assert await scheduler.handlers.tick() == 0, "it is not decided on at each tick"


async def test_a_rerun_waits_for_the_spec_of_the_earlier_run(scheduler: Scheduler) -> None:
    earlier = scheduler.submission(chain("a"))
    await scheduler.send(earlier)
    await scheduler.succeed(earlier.run_id, "root/a")
    scheduler.restart()
    scheduler.objects.unavailable.add(earlier.spec.key)
    rerun = scheduler.submission(
        chain("a", "b"), rerun=e.Rerun(run_id=earlier.run_id, tasks=()), caching=False
    )
    with pytest.raises(RetryableError):
        await scheduler.send(rerun)
    assert await scheduler.rows("SELECT 1 FROM run WHERE run_id = $1", rerun.run_id) == []
    scheduler.objects.unavailable.clear()
    await scheduler.send(rerun)
    await scheduler.until(lambda: scheduler.launches(rerun.run_id))
    assert [one["path"] for one in scheduler.launches(rerun.run_id)] == ["root/b"]


async def test_a_queued_run_that_cannot_be_loaded_blocks_no_other(scheduler: Scheduler) -> None:
    limits = RunLimits(namespace=1)
    active = scheduler.submission(chain("a"), limits=limits)
    first = scheduler.submission(chain("b"), limits=limits, priority=10)
    second = scheduler.submission(chain("c"), limits=limits)
    await scheduler.send(active)
    await scheduler.send(first, second)
    assert scheduler.launches(first.run_id) == scheduler.launches(second.run_id) == []
    scheduler.restart()
    scheduler.objects.unavailable.add(first.spec.key)
    await scheduler.succeed(active.run_id, "root/a")
    assert len(scheduler.of(active.run_id, "run.succeeded")) == 1
    assert len(scheduler.launches(second.run_id)) == 1
    scheduler.objects.unavailable.clear()
    await scheduler.send(e.RunDeleted(run_id=second.run_id))
    assert len(scheduler.launches(first.run_id)) == 1


async def test_queued_runs_are_admitted_later_if_they_were_left_out(scheduler: Scheduler) -> None:
    limits = RunLimits(namespace=1)
    active = scheduler.submission(chain("a"), limits=limits)
    queued = scheduler.submission(chain("b"), limits=limits)
    await scheduler.send(active)
    await scheduler.send(queued)
    scheduler.restart()
    scheduler.objects.unavailable.add(queued.spec.key)
    await scheduler.succeed(active.run_id, "root/a")
    assert scheduler.launches(queued.run_id) == []
    await scheduler.handlers.admit_queued()
    assert scheduler.launches(queued.run_id) == []
    scheduler.objects.unavailable.clear()
    await scheduler.handlers.admit_queued()
    assert len(scheduler.launches(queued.run_id)) == 1


async def test_more_plans_than_fit_into_memory_can_be_used_at_once(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_PLANS_IN_MEMORY", 2)
    runs = [scheduler.submission(chain("a", word=str(number))) for number in range(5)]
    await scheduler.send(*runs)
    scheduler.restart()
    await scheduler.send(*(e.RunPauseRequested(run_id=run.run_id) for run in runs))
    assert all(len(scheduler.of(run.run_id, "run.paused")) == 1 for run in runs)

"""Specs are read outside of transactions, and only the runs that need one wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from headrace_contracts.messages import events as e
from headrace_contracts.messages.events import RunLimits
from headrace_runtime.errors import RetryableError, TooEarlyError
from headrace_runtime.objects import ObjectMissingError
from headrace_scheduler import plans

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


async def test_a_spec_that_does_not_exist_fails_its_own_event_alone(scheduler: Scheduler) -> None:
    broken = scheduler.submission(chain("a"))
    scheduler.objects.stored.clear()
    good = scheduler.submission(chain("b"))
    with pytest.raises(TooEarlyError):
        await scheduler.send(broken, good)
    assert len(scheduler.launches(good.run_id)) == 1
    with pytest.raises(ObjectMissingError):
        await scheduler.send(broken)


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

"""Outputs of earlier executions are verified outside of transactions, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from headrace_contracts.messages import events as e
from headrace_runtime.errors import RetryableError
from headrace_scheduler import lookups

from tests.integration.scheduler.conftest import chain

if TYPE_CHECKING:
    from tests.integration.scheduler.conftest import Scheduler


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "_FIRST_PAUSE_SECONDS", 0.02)


async def executed(scheduler: Scheduler, *names: str, stored: bool = True) -> UUID:
    """A run of a chain that has succeeded, so that its outputs are in the cache."""
    run = scheduler.submission(chain(*names))
    await scheduler.send(run)
    for name in names:
        await scheduler.succeed(run.run_id, f"root/{name}", stored=stored)
    assert len(scheduler.of(run.run_id, "run.succeeded")) == 1
    return run.run_id


async def asked(scheduler: Scheduler, run_id: UUID) -> list[str]:
    """The paths of the tasks that wait for the answer to a lookup."""
    rows = await scheduler.rows(
        "SELECT path FROM task WHERE run_id = $1 AND state = 'PENDING' AND fingerprint IS NOT NULL",
        run_id,
    )
    return [row["path"] for row in rows]


def ended(scheduler: Scheduler, run_id: UUID) -> bool:
    return bool(scheduler.of(run_id, "run.succeeded"))


async def test_a_chain_of_cached_steps_succeeds_without_launches(scheduler: Scheduler) -> None:
    earlier = await executed(scheduler, "a", "b", "c")
    run = scheduler.submission(chain("a", "b", "c"))
    await scheduler.send(run)
    await scheduler.until(lambda: ended(scheduler, run.run_id))
    assert scheduler.launches(run.run_id) == []
    origins = {m["name"]: m["origin"] for m in scheduler.of(run.run_id, "task.succeeded")}
    assert {one["run_id"] for one in origins.values()} == {str(earlier)}
    assert len(origins) == 3


async def test_a_miss_is_answered_in_the_same_transaction(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = 0
    transact = scheduler.database.transact

    async def counted(work: object) -> object:
        nonlocal transactions
        transactions += 1
        return await transact(work)  # type: ignore[arg-type]

    run = scheduler.submission(chain("a", "b"))
    monkeypatch.setattr(scheduler.database, "transact", counted)
    await scheduler.send(run)
    await scheduler.succeed(run.run_id, "root/a")
    assert [one["path"] for one in scheduler.launches(run.run_id)] == ["root/a", "root/b"]
    assert transactions == 2
    assert scheduler.objects.requests == 1, "of the spec"


async def test_no_transaction_waits_for_a_slow_store(scheduler: Scheduler) -> None:
    earlier = await executed(scheduler, "a", "b")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    cached = scheduler.submission(chain("a", "b"))
    other = scheduler.submission(chain("c"))
    await scheduler.send(cached, other)
    await scheduler.objects.requested.wait()
    assert await scheduler.waiting_transactions() == 0
    assert len(scheduler.launches(other.run_id)) == 1
    await scheduler.succeed(other.run_id, "root/c")
    assert ended(scheduler, other.run_id)
    assert await asked(scheduler, cached.run_id) == ["root/a"]
    scheduler.objects.released.set()
    await scheduler.until(lambda: ended(scheduler, cached.run_id))
    assert scheduler.launches(cached.run_id) == []
    assert earlier != cached.run_id


async def test_an_unavailable_store_delays_only_tasks_that_reuse_outputs(
    scheduler: Scheduler,
) -> None:
    await executed(scheduler, "a")
    scheduler.objects.unavailable.add(f"runs/{scheduler.namespace}/")
    cached = scheduler.submission(chain("a", "b"))
    other = scheduler.submission(chain("c"))
    await scheduler.send(cached, other)
    assert len(scheduler.launches(other.run_id)) == 1
    requests = scheduler.objects.requests
    await scheduler.until(lambda: scheduler.objects.requests > requests + 2)  # it is tried again
    assert await asked(scheduler, cached.run_id) == ["root/a"]
    scheduler.objects.unavailable.clear()
    await scheduler.until(lambda: scheduler.launches(cached.run_id))
    assert [one["path"] for one in scheduler.launches(cached.run_id)] == ["root/b"]


async def test_outputs_that_no_longer_exist_are_not_reused(scheduler: Scheduler) -> None:
    await executed(scheduler, "a", stored=False)
    run = scheduler.submission(chain("a"))
    await scheduler.send(run)
    await scheduler.until(lambda: scheduler.launches(run.run_id))
    assert await scheduler.rows(
        "SELECT 1 FROM cache_entry WHERE namespace = $1", scheduler.namespace
    ) == []  # fmt: skip
    await scheduler.succeed(run.run_id, "root/a")
    entries = await scheduler.rows(
        "SELECT run_id FROM cache_entry WHERE namespace = $1", scheduler.namespace
    )
    assert [entry["run_id"] for entry in entries] == [run.run_id]


async def test_an_entry_that_was_replaced_meanwhile_stays(scheduler: Scheduler) -> None:
    await executed(scheduler, "a", stored=False)
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a"))
    uncached = scheduler.submission(chain("a"), caching=False)
    await scheduler.send(run, uncached)
    await scheduler.objects.requested.wait()
    await scheduler.succeed(uncached.run_id, "root/a")  # replaces the entry
    scheduler.objects.released.set()
    await scheduler.until(lambda: scheduler.launches(run.run_id))
    entries = await scheduler.rows(
        "SELECT run_id FROM cache_entry WHERE namespace = $1", scheduler.namespace
    )
    assert [entry["run_id"] for entry in entries] == [uncached.run_id]


async def test_a_rerun_falls_back_on_the_cache(scheduler: Scheduler) -> None:
    earlier = await executed(scheduler, "a")
    newer = scheduler.submission(chain("a"), caching=False)
    await scheduler.send(newer)
    await scheduler.succeed(newer.run_id, "root/a")
    scheduler.objects.stored.pop(f"runs/{scheduler.namespace}/p/{earlier}/root/a")
    rerun = scheduler.submission(chain("a"), rerun=e.Rerun(run_id=earlier, tasks=()))
    await scheduler.send(rerun)
    await scheduler.until(lambda: ended(scheduler, rerun.run_id))
    (event,) = scheduler.of(rerun.run_id, "task.succeeded")
    assert (event["origin"]["kind"], event["origin"]["run_id"]) == ("cache", str(newer.run_id))


async def test_lookups_are_repeated_after_a_crash(scheduler: Scheduler) -> None:
    await executed(scheduler, "a", "b")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a", "b"))
    await scheduler.send(run)
    await scheduler.objects.requested.wait()
    scheduler.restart()
    scheduler.objects.slow.clear()
    assert await scheduler.handlers.repeat_stalled_lookups(3600) == 0, "it may still be answered"
    assert await asked(scheduler, run.run_id) == ["root/a"]
    assert await scheduler.handlers.repeat_stalled_lookups(0) >= 1
    await scheduler.until(lambda: ended(scheduler, run.run_id))
    assert scheduler.launches(run.run_id) == []
    scheduler.objects.released.set()  # the answer of the process that crashed comes after all
    assert len(scheduler.of(run.run_id, "task.succeeded")) == 2


async def test_a_lookup_is_verified_once_at_a_time(scheduler: Scheduler) -> None:
    await executed(scheduler, "a")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a"))
    await scheduler.send(run)
    await scheduler.objects.requested.wait()
    requests = scheduler.objects.requests
    await scheduler.handlers.repeat_stalled_lookups(0)
    await scheduler.handlers.repeat_stalled_lookups(0)
    assert scheduler.objects.requests == requests
    scheduler.objects.released.set()
    await scheduler.until(lambda: ended(scheduler, run.run_id))


async def test_operations_on_a_run_whose_lookup_is_not_answered(scheduler: Scheduler) -> None:
    await executed(scheduler, "a")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    canceled, deleted, paused = (scheduler.submission(chain("a", "b")) for _ in range(3))
    await scheduler.send(canceled, deleted, paused)
    await scheduler.send(
        e.RunCancelRequested(run_id=canceled.run_id),
        e.RunDeleted(run_id=deleted.run_id),
        e.RunPauseRequested(run_id=paused.run_id),
    )
    assert len(scheduler.of(canceled.run_id, "run.canceled")) == 1
    scheduler.objects.released.set()
    await scheduler.until(lambda: not scheduler.handlers._verifications._tasks)
    for run in (canceled, deleted, paused):
        assert scheduler.of(run.run_id, "task.succeeded") == []
        assert scheduler.launches(run.run_id) == []
    assert await asked(scheduler, paused.run_id) == []
    await scheduler.send(e.RunResumeRequested(run_id=paused.run_id))
    await scheduler.until(lambda: scheduler.launches(paused.run_id))
    assert [one["path"] for one in scheduler.launches(paused.run_id)] == ["root/b"]


async def test_a_chain_of_cached_steps_takes_one_round_of_requests(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"s{number}" for number in range(20)]
    await executed(scheduler, *names)
    transactions = 0
    transact = scheduler.database.transact

    async def counted(work: object) -> object:
        nonlocal transactions
        transactions += 1
        return await transact(work)  # type: ignore[arg-type]

    monkeypatch.setattr(scheduler.database, "transact", counted)
    requests = scheduler.objects.requests
    run = scheduler.submission(chain(*names))
    await scheduler.send(run)
    await scheduler.until(lambda: ended(scheduler, run.run_id))
    assert transactions == 2
    assert scheduler.objects.requests == requests + len(names)


async def test_a_chain_runs_from_the_step_whose_outputs_are_gone(scheduler: Scheduler) -> None:
    earlier = await executed(scheduler, "a", "b", "c")
    del scheduler.objects.stored[f"runs/{scheduler.namespace}/p/{earlier}/root/b"]
    run = scheduler.submission(chain("a", "b", "c"))
    await scheduler.send(run)
    await scheduler.until(lambda: scheduler.launches(run.run_id))
    assert [one["path"] for one in scheduler.launches(run.run_id)] == ["root/b"]
    assert [one["name"] for one in scheduler.of(run.run_id, "task.succeeded")] == ["a"]


async def test_a_long_chain_is_verified_in_parts(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"s{number}" for number in range(12)]
    await executed(scheduler, *names)
    monkeypatch.setattr(lookups, "_MOST_AHEAD", 3)
    run = scheduler.submission(chain(*names))
    await scheduler.send(run)
    await scheduler.until(lambda: ended(scheduler, run.run_id))
    monkeypatch.setattr(lookups, "_LARGEST_COPY", 0)
    run = scheduler.submission(chain(*names))
    await scheduler.send(run)
    await scheduler.until(lambda: ended(scheduler, run.run_id))
    assert scheduler.launches(run.run_id) == []


async def test_a_pause_between_verification_and_answer_starts_nothing(
    scheduler: Scheduler,
) -> None:
    await executed(scheduler, "a", "b")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a", "b"))
    await scheduler.send(run)
    await scheduler.objects.requested.wait()
    await scheduler.send(e.RunPauseRequested(run_id=run.run_id))
    scheduler.objects.released.set()
    await scheduler.until(lambda: not scheduler.handlers._verifications._tasks)
    assert scheduler.of(run.run_id, "task.succeeded") == []
    await scheduler.send(e.RunResumeRequested(run_id=run.run_id))
    await scheduler.until(lambda: ended(scheduler, run.run_id))


@pytest.mark.parametrize("key", ["", "k" * 1025])
async def test_outputs_that_cannot_be_verified_are_not_reused(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A step can report any URI. The store rejects requests about some keys."""
    await executed(scheduler, "a", "b")
    entries = await scheduler.rows(
        "SELECT fingerprint, outputs FROM cache_entry WHERE namespace = $1", scheduler.namespace
    )
    for entry in entries:
        entry["outputs"]["artifacts"]["out"][0]["uri"] = scheduler.objects.uri(key)
        await scheduler.execute(
            "UPDATE cache_entry SET outputs = $2 WHERE fingerprint = $1",
            entry["fingerprint"],
            entry["outputs"],
        )
    has = scheduler.objects.has

    async def strict(key: str) -> bool:
        if not key:
            raise RetryableError("object store: Parameter validation failed")
        if len(key) > 1024:
            raise ValueError("400 Bad Request")
        return await has(key)

    monkeypatch.setattr(scheduler.objects, "has", strict)
    run = scheduler.submission(chain("a"))
    await scheduler.send(run)
    await scheduler.until(lambda: scheduler.launches(run.run_id))


async def test_a_failed_verification_leaves_no_requests_behind(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"s{number}" for number in range(5)]
    earlier = await executed(scheduler, *names)
    prefix = f"runs/{scheduler.namespace}/p/{earlier}/root/"
    open_requests = 0
    has = scheduler.objects.has

    async def counted(key: str) -> bool:
        nonlocal open_requests
        open_requests += 1
        try:
            return await has(key)
        finally:
            open_requests -= 1

    monkeypatch.setattr(scheduler.objects, "has", counted)
    scheduler.objects.slow |= {prefix + name for name in names[1:]}
    scheduler.objects.unavailable.add(prefix + names[0])
    run = scheduler.submission(chain(*names))
    requests = scheduler.objects.requests
    await scheduler.send(run)
    await scheduler.until(lambda: scheduler.objects.requests > requests + 3 * len(names))
    assert open_requests <= len(names)


async def test_a_lookup_that_is_asked_while_an_answer_is_delivered_is_answered(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    await executed(scheduler, "a")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a"))
    await scheduler.send(run)
    await scheduler.objects.requested.wait()
    await scheduler.send(e.RunPauseRequested(run_id=run.run_id))
    transact = scheduler.database.transact
    resumed = False

    async def resume_after(work: object) -> object:
        """The first transaction is the one that drops the answer, since the run is paused."""
        nonlocal resumed
        result = await transact(work)  # type: ignore[arg-type]
        if not resumed:
            resumed = True
            await scheduler.send(e.RunResumeRequested(run_id=run.run_id))
        return result

    monkeypatch.setattr(scheduler.database, "transact", resume_after)
    scheduler.objects.released.set()
    await scheduler.until(lambda: ended(scheduler, run.run_id))


async def test_two_schedulers_answer_a_lookup_with_one_effect(scheduler: Scheduler) -> None:
    await executed(scheduler, "a", "b")
    scheduler.objects.slow.add(f"runs/{scheduler.namespace}/")
    run = scheduler.submission(chain("a", "b", "c"))
    await scheduler.send(run)
    await scheduler.objects.requested.wait()
    scheduler.restart()  # the first one goes on
    await scheduler.handlers.repeat_stalled_lookups(0)
    scheduler.objects.released.set()
    both = [scheduler.handlers, *scheduler.crashed]
    await scheduler.until(lambda: not any(one._verifications._tasks for one in both))
    assert len(scheduler.of(run.run_id, "task.succeeded")) == 2
    assert [one["path"] for one in scheduler.launches(run.run_id)] == ["root/c"]

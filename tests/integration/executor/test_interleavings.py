"""Launches between two executors, or between two tasks of one: nothing runs twice or is lost."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.launches import LaunchFile, ResultManifest
from headrace_executor import runner, store
from headrace_executor.backends.port import Handle, ReportWaiting, Vanished
from headrace_executor.core.execution import Execution
from headrace_executor.core.outcome import failed
from headrace_executor.lease import Lease
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database

from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.executors import (
    View,
    cancellation,
    cleaning,
    executing,
    received,
    sleeping,
    until,
)
from tests.support.launches import RUN_ID, launch_command


class MachineBackend(MemoryBackend):
    """Launches that only their own executor sees, as processes of a machine are."""

    is_shared = False


async def test_a_cancellation_beside_its_launch_is_not_lost(database: Database, view: View) -> None:
    """Another executor stores the launch at the same time, and commits it a moment later."""
    launch = sleeping(60, 1)
    cancel = cancellation(launch)
    failure = Failure(code=FailureCode.CANCELED, message="canceled")
    result = failed(launch, failure, launch.run_created_at)
    is_stored, may_commit = asyncio.Event(), asyncio.Event()

    async def insert(unit: Any) -> None:
        await store.insert(unit.connection, "one", [launch])
        is_stored.set()
        await may_commit.wait()

    async def request(unit: Any) -> bool:
        return await store.request_cancel(unit.connection, cancel, result)

    inserting = asyncio.ensure_future(database.transact(insert))
    await is_stored.wait()
    requesting = asyncio.ensure_future(database.transact(request))
    await asyncio.sleep(0.3)
    may_commit.set()
    await inserting
    assert not await requesting, "it is known by then, so its owner reports its end"
    row = (await view.launches())[1]
    assert (row["state"], row["cancel_requested"]) == ("WAITING", True)


async def test_a_launch_that_ends_before_its_handler_returns_runs_once(
    database: Database, cluster: MemoryCluster, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus is slow, so the handler waits after its commit; a comparison finds the launch."""
    backend = MachineBackend(cluster, "one")
    async with executing(database, backend, lease_seconds=600) as handlers:
        transact = database.transact
        handled = asyncio.Event()

        async def slow(work: Any) -> Any:
            result = await transact(work)
            if getattr(work, "__qualname__", "").startswith("Handlers"):
                handlers._runner.request_comparison()
                await until(lambda: _has(view.ends, 1))
                await until(lambda: _is(lambda: not handlers._runner._active))
                handled.set()
            return result

        monkeypatch.setattr(database, "transact", slow)
        await handlers.handle(received(sleeping(0, 1)))
        assert handled.is_set()
        await asyncio.sleep(0.5)
    assert len(cluster.started) == 1


async def test_an_executor_that_restarts_after_a_take_over_stops_what_it_left(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    """Its steps outlived it, and another executor has reported them as lost."""
    away = MachineBackend(cluster, "away")
    async with executing(database, away, lease_seconds=1.0) as handlers:
        await handlers.handle(received(*(sleeping(600, number) for number in range(6))))
        await until(lambda: _is(lambda: len(cluster.started) == 4))
    heir = MachineBackend(MemoryCluster(cluster.objects), "heir")
    async with executing(database, heir, lease_seconds=1.0):
        ends = await until(lambda: _has(view.ends, 6))
    assert {end for _, end in ends} == {FailureCode.ATTEMPT_LOST}
    assert len(cluster.pods) == 4
    async with executing(database, away, lease_seconds=1.0):
        await until(lambda: _is(lambda: not cluster.pods), 10)
        await until(lambda: _all_given_up(view), 5)
    assert len(await view.ends()) == 6


async def test_what_comes_back_to_its_first_owner_is_lost_and_stopped(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    first = MachineBackend(cluster, "first")
    async with executing(database, first, lease_seconds=1.0) as handlers:
        await handlers.handle(received(sleeping(600, 1)))
        await until(lambda: _in_state(view, "RUNNING", 1))
    await view.execute("UPDATE owner_lease SET expires_at = now() - interval '1 s'")
    (taken,) = await database.transact(lambda unit: store.take_over(unit.connection, "heir", 9))
    assert taken.is_foreign
    await view.execute("INSERT INTO owner_lease VALUES ('heir', now() - interval '1 s')")
    async with executing(database, first, lease_seconds=1.0):
        assert await until(lambda: _has(view.ends, 1)) == [(1, FailureCode.ATTEMPT_LOST)]
        await until(lambda: _is(lambda: not cluster.pods), 10)
    row = (await view.launches())[1]
    assert (row["owner"], row["epoch"]) == ("first", 3)


async def test_a_run_is_cleaned_where_its_launches_were_taken_from(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    away = MachineBackend(cluster, "away")
    async with executing(database, away, lease_seconds=1.0) as handlers:
        await handlers.handle(received(sleeping(600, 1)))
    async with executing(database, MachineBackend(cluster, "heir"), lease_seconds=1.0) as handlers:
        await until(lambda: _has(view.ends, 1))
        await handlers.handle(received(cleaning()))
    async with executing(database, away, lease_seconds=1.0):
        await until(lambda: _is(lambda: away.cleaned_runs == [RUN_ID]), 5)


class SlowToClean(MachineBackend):
    """A workspace that takes long to remove."""

    async def clean_run(self, run_id: UUID) -> None:
        await asyncio.sleep(3)
        await super().clean_run(run_id)


async def test_a_run_that_takes_long_to_clean_costs_no_lease(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    slow = SlowToClean(cluster, "slow")
    await view.execute("INSERT INTO pending_clean VALUES ('slow', $1)", RUN_ID)
    async with (
        executing(database, slow, lease_seconds=1.0) as handlers,
        executing(database, MachineBackend(cluster, "heir"), lease_seconds=1.0),
    ):
        await handlers.handle(received(sleeping(4, 1)))
        assert await until(lambda: _has(view.ends, 1)) == [(1, "attempt.succeeded")]
        await until(lambda: _is(lambda: slow.cleaned_runs == [RUN_ID]))
    assert (await view.launches())[1]["owner"] == "slow"
    assert await view.fetch("SELECT FROM pending_clean") == []


async def test_a_renewal_that_comes_too_late_is_a_gap(database: Database, view: View) -> None:
    """It was sent in time, or the database's clock went ahead: others may have taken over."""
    lease = Lease(database, "one", 20)
    await lease.acquire()
    await lease.renew()
    assert lease.is_certain()
    await view.execute("UPDATE owner_lease SET expires_at = now() - interval '1 s'")
    await lease.renew()
    assert not lease.is_certain()
    assert not lease.may_take_over()


async def test_an_end_whose_commit_was_not_acknowledged_is_cleaned(
    database: Database, cluster: MemoryCluster, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try finds the end of the first; the launch was not taken over."""
    backend = MemoryBackend(cluster, "one")
    transact = database.transact
    lost: list[bool] = []

    async def unacknowledged(work: Any) -> Any:
        result = await transact(work)
        if "_end" in getattr(work, "__qualname__", "") and not lost:
            lost.append(True)
            raise RetryableError("postgres: the connection was closed")
        return result

    async with executing(database, backend, lease_seconds=600) as handlers:
        monkeypatch.setattr(database, "transact", unacknowledged)
        await handlers.handle(received(sleeping(0, 1)))
        await until(lambda: _is(lambda: lost and not handlers._runner._active))
    assert await view.ends() == [(1, "attempt.succeeded")]
    assert cluster.pods == {}


class UnstorableResults(MachineBackend):
    """The results of odd attempts have a character that Postgres cannot store."""

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        found = await super().wait(execution, handle)
        if execution.command.attempt % 2 and isinstance(found, ResultManifest):
            return found.model_copy(update={"parameters": {"text": "\0"}})
        return found


async def test_a_result_that_cannot_be_stored_fails_its_attempt_alone(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    backend = UnstorableResults(cluster, "one")
    async with executing(database, backend, lease_seconds=600) as handlers:
        await handlers.handle(received(*(sleeping(0, number) for number in range(4))))
        ends = await until(lambda: _has(view.ends, 4), 10)
    assert sorted(ends) == [
        (0, "attempt.succeeded"),
        (1, FailureCode.OUTPUT_INVALID),
        (2, "attempt.succeeded"),
        (3, FailureCode.OUTPUT_INVALID),
    ]


class SlowToPrepare(MachineBackend):
    """A launch that needs an environment first."""

    def __init__(self, cluster: MemoryCluster, owner: str) -> None:
        super().__init__(cluster, owner)
        self.is_preparing, self.go_on = asyncio.Event(), asyncio.Event()

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        plan = await super().prepare(execution, report_waiting)
        self.is_preparing.set()
        await self.go_on.wait()
        return plan


async def test_a_launch_whose_preparation_outlives_its_lease_does_not_start(
    database: Database, cluster: MemoryCluster, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another executor has taken it over meanwhile, which this one does not know yet."""
    backend = SlowToPrepare(cluster, "slow")
    async with executing(database, backend, lease_seconds=600) as handlers:
        await handlers.handle(received(sleeping(0, 1)))
        await backend.is_preparing.wait()
        lease = handlers._runner._lease
        with monkeypatch.context() as patch:
            patch.setattr(lease, "_renewed_at", lease._renewed_at - 1000)
            await view.execute("UPDATE launch SET owner = 'heir', epoch = 2, taken_from = 'slow'")
            backend.go_on.set()
            await until(lambda: _is(lambda: not handlers._runner._active))
    assert cluster.started == []
    assert await view.ends() == []


@pytest.mark.parametrize(
    ("container", "where"),
    [
        ({"image": "i", "command": ["echo", "a\0b"]}, "container.command.1"),
        ({"image": "i", "env": [{"name": "A", "value": "\0"}]}, "container.env.0.value"),
    ],
)
async def test_a_command_that_cannot_be_stored_ends_alone(
    database: Database, cluster: MemoryCluster, view: View, container: Any, where: str
) -> None:
    """Its batch goes on, and nothing of it becomes a dead letter. A repetition is answered."""
    wrong = launch_command(attempt=1, container=container)
    async with executing(database, MachineBackend(cluster, "one")) as handlers:
        await handlers.handle(received(wrong, sleeping(0, 2)))
        await until(lambda: _has(view.ends, 2))
        await handlers.handle(received(wrong))
        ends = await until(lambda: _has(view.ends, 3))
    assert sorted(ends) == [(1, FailureCode.INPUT_INVALID)] * 2 + [(2, "attempt.succeeded")]
    message = (await view.launches())[1]["result"]
    assert f"{where} contains a NUL character" in message


async def test_launches_that_ended_long_ago_are_forgotten(
    database: Database, cluster: MemoryCluster, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PURGE_SECONDS", 0.1)
    backend = MachineBackend(cluster, "one")
    async with executing(database, backend, lease_seconds=600) as handlers:
        await handlers.handle(received(*(sleeping(0, number) for number in (1, 2, 3))))
        await handlers.handle(received(sleeping(600, 4)))
        await until(lambda: _has(view.ends, 3))
        await view.execute(
            "UPDATE launch SET ended_at = now() - interval '97 hours', "
            "taken_from = CASE WHEN attempt = 3 THEN 'away' END WHERE attempt IN (1, 3)"
        )
        await view.execute(
            "UPDATE launch SET created_at = now() - interval '97 hours' WHERE attempt = 4"
        )
        await until(lambda: _is_left(view, {2, 3, 4}))
        await view.execute("UPDATE launch SET is_given_up = true WHERE attempt = 3")
        await until(lambda: _is_left(view, {2, 4}))


async def _is_left(view: View, attempts: set[int]) -> bool:
    return set(await view.launches()) == attempts


async def _all_given_up(view: View) -> bool:
    rows = await view.fetch("SELECT FROM launch WHERE taken_from = 'away' AND NOT is_given_up")
    return not rows


async def _is(holds: Any) -> Any:
    return holds()


async def _has(read: Any, count: int) -> Any:
    found = await read()
    return found if len(found) >= count else None


async def _in_state(view: View, state: str, count: int) -> bool:
    rows = (await view.launches()).values()
    return len([row for row in rows if row["state"] == state]) >= count

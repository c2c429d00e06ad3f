"""Executors of one cluster: who owns a launch, and what a former owner may still do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from headrace_contracts.failures import FailureCode
from headrace_executor import lease as lease_module
from headrace_executor import store
from headrace_executor.core.execution import Execution
from headrace_executor.core.outcome import lost
from headrace_executor.handlers import Handlers
from headrace_executor.lease import Lease
from headrace_executor.runner import Runner
from headrace_runtime.bus.connection import Bus
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database

from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.executors import (
    View,
    cancellation,
    cleaning,
    executing,
    received,
    send,
    sleeping,
    until,
)
from tests.support.launches import RUN_ID, begin

NOW = datetime.now(UTC)


class MachineBackend(MemoryBackend):
    """Launches that only their own executor sees, as processes of a machine are."""

    is_shared = False


async def test_two_executors_share_the_work(
    database: Database, bus: Bus, cluster: MemoryCluster, view: View
) -> None:
    one, two = (MemoryBackend(cluster, name) for name in ("one", "two"))
    async with executing(database, one, bus), executing(database, two, bus):
        await send(bus, *(sleeping(0.3, number) for number in range(40)))
        await until(lambda: _has(view.ends, 40))
    launches = await view.launches()
    assert {row["owner"] for row in launches.values()} == {"one", "two"}
    assert {row["epoch"] for row in launches.values()} == {1}
    assert sorted(await view.ends()) == [(number, "attempt.succeeded") for number in range(40)]
    assert len(cluster.started) == 40


async def test_a_dead_executors_launches_go_on_in_another(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with executing(database, MemoryBackend(cluster, "dead"), is_killed=True) as handlers:
        await handlers.handle(received(*(sleeping(4, number) for number in range(6))))
        await until(lambda: _in_state(view, "RUNNING", 4))
    async with executing(database, MemoryBackend(cluster, "heir"), lease_seconds=1.0):
        await until(lambda: _has(view.ends, 6))
    launches = await view.launches()
    assert {(row["owner"], row["epoch"]) for row in launches.values()} == {("heir", 2)}
    assert len(cluster.started) == 6, "the four that ran went on, the two that waited were started"


async def test_an_orderly_stop_lets_others_go_on_at_once(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with executing(database, MemoryBackend(cluster, "two"), lease_seconds=1.0):
        async with executing(
            database, MemoryBackend(cluster, "one"), lease_seconds=600
        ) as handlers:
            await asyncio.sleep(1.1)  # for as long it does not take over from others
            await handlers.handle(received(sleeping(1, 1)))
        assert await until(lambda: _has(view.ends, 1), 5) == [(1, "attempt.succeeded")]
    assert cluster.started == [cluster.started[0]]


async def test_a_predecessors_launches_are_adopted_at_once(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    """By an executor of the same name, whatever is left of the lease."""
    backend = MachineBackend(cluster, "same")
    async with executing(database, backend, lease_seconds=600) as handlers:
        await handlers.handle(received(sleeping(1, 1)))
        await until(lambda: _in_state(view, "RUNNING", 1))
    async with executing(database, backend, lease_seconds=600):
        assert (await view.launches())[1]["epoch"] == 2
        assert await until(lambda: _has(view.ends, 1), 5) == [(1, "attempt.succeeded")]
    assert len(cluster.started) == 1


async def test_a_valid_lease_protects_from_others(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with (
        executing(database, MachineBackend(cluster, "one"), lease_seconds=1.0) as handlers,
        executing(database, MachineBackend(cluster, "two"), lease_seconds=1.0),
    ):
        await handlers.handle(received(sleeping(3, 1)))
        assert await until(lambda: _has(view.ends, 1)) == [(1, "attempt.succeeded")]
    row = (await view.launches())[1]
    assert (row["owner"], row["epoch"]) == ("one", 1)


async def test_what_no_other_machine_can_reach_is_lost(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with executing(database, MachineBackend(cluster, "dead"), lease_seconds=1.0) as handlers:
        await handlers.handle(received(sleeping(60, 1)))
        await until(lambda: _in_state(view, "RUNNING", 1))
    async with executing(database, MachineBackend(cluster, "heir"), lease_seconds=1.0):
        assert await until(lambda: _has(view.ends, 1)) == [(1, FailureCode.ATTEMPT_LOST)]
    result = (await view.launches())[1]["result"]
    assert '"retryable": true' in result
    assert "no other executor can reach" in result


async def test_a_frozen_executor_gives_up_what_it_has_lost(
    database: Database, cluster: MemoryCluster, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its renewals stop for a while, and another takes over; then it stops what it still runs."""
    frozen = MachineBackend(cluster, "frozen")
    async with executing(database, frozen, lease_seconds=1.0) as handlers:
        await handlers.handle(received(sleeping(60, 1)))
        await until(lambda: _in_state(view, "RUNNING", 1))
        pod = next(iter(cluster.pods.values()))
        thaw = asyncio.Event()
        renew = Lease.renew

        async def renew_late(lease: Lease) -> Any:
            if lease.owner == "frozen":
                await thaw.wait()
            return await renew(lease)

        monkeypatch.setattr(Lease, "renew", renew_late)
        heir = MachineBackend(MemoryCluster(cluster.objects), "heir")
        async with executing(database, heir, lease_seconds=1.0):
            assert await until(lambda: _has(view.ends, 1)) == [(1, FailureCode.ATTEMPT_LOST)]
            assert not pod.task.done()
            thaw.set()
            await until(lambda: _is(lambda: pod.task.done() and not cluster.pods))
        await asyncio.sleep(0.2)
    assert await view.ends() == [(1, FailureCode.ATTEMPT_LOST)], "its end is not reported"
    assert (await view.launches())[1]["owner"] == "heir"


async def test_late_writes_are_refused(database: Database, view: View) -> None:
    command = sleeping(1, 1)
    key = store.identity(command)

    async def insert(unit: Any) -> Any:
        return await store.insert(unit.connection, "late", [command])

    assert await database.transact(insert) == {key}
    await view.execute("INSERT INTO owner_lease VALUES ('late', now() - interval '1 s')")
    (taken,) = await database.transact(lambda unit: store.take_over(unit.connection, "heir", 9))
    assert (taken.epoch, taken.is_foreign, taken.state) == (2, True, "WAITING")
    result = lost(command, "gone", NOW, cancel_requested=False)

    async def write(unit: Any, owner: str, epoch: int, execution: int = 1) -> tuple[bool, ...]:
        connection, claim = unit.connection, (*key, owner, epoch, execution)
        return (
            await store.set_running(connection, claim, {"a": 1}, NOW),
            await store.set_ended(connection, claim, result),
            await store.has_ended(connection, claim),
        )

    async def claim(unit: Any, owner: str, epoch: int, execution: int) -> bool:
        return await store.claim_execution(unit.connection, (*key, owner, epoch, execution))

    async def confirm(unit: Any, owner: str, epoch: int) -> bool:
        return await store.confirm_owned(unit.connection, key, owner, epoch)

    for owner, epoch in (("late", 1), ("late", 2), ("heir", 1)):
        for refused in (write, confirm, partial(claim, execution=2)):
            assert not any(
                _listed(await database.transact(partial(refused, owner=owner, epoch=epoch)))
            )
    assert await database.transact(partial(confirm, owner="heir", epoch=2))
    for number, expected in ((3, False), (2, True), (2, True), (1, False), (4, False)):
        made = partial(claim, owner="heir", epoch=2, execution=number)
        assert await database.transact(made) is expected, number
    for number in (1, 3):
        assert await database.transact(partial(write, owner="heir", epoch=2, execution=number)) == (
            False,
            False,
            False,
        ), "its end does not count"
    assert all(await database.transact(partial(write, owner="heir", epoch=2, execution=2)))
    assert not await database.transact(partial(claim, owner="heir", epoch=2, execution=3))


async def test_a_launch_is_taken_over_by_one(database: Database, view: View) -> None:
    commands = [sleeping(1, number) for number in range(100)]
    await database.transact(lambda unit: store.insert(unit.connection, "dead", commands))
    await view.execute("INSERT INTO owner_lease VALUES ('dead', now() - interval '1 s')")

    async def take(owner: str) -> list[store.Launch]:
        return await database.transact(lambda unit: store.take_over(unit.connection, owner, 30))

    taken = await asyncio.gather(*(take(f"heir-{number}") for number in range(6)))
    attempts = [launch.command.attempt for launches in taken for launch in launches]
    assert len(attempts) == len(set(attempts)) > 0


async def test_an_outage_of_the_database_is_no_death(
    database: Database, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every lease has expired after it; each executor then has the time of one to renew."""
    clock = [1000.0]
    monkeypatch.setattr(lease_module, "_now", lambda: clock[0])
    lease = Lease(database, "one", 20)
    await lease.acquire()
    assert not lease.may_take_over()
    for _ in range(5):
        clock[0] += 5
        await lease.renew()
    assert lease.may_take_over()
    clock[0] += 30
    assert not lease.is_certain()
    await lease.renew()
    assert not lease.is_certain(), "what it owns is not known before it was compared"
    await lease.compare(_nothing)
    assert lease.is_certain()
    assert not lease.may_take_over()


async def test_a_comparison_that_failed_is_still_due(database: Database) -> None:
    lease = Lease(database, "one", 20)
    await lease.acquire()
    assert not lease.is_comparison_due()
    lease.request_comparison()
    assert lease.is_certain(), "nothing says that a launch was lost"

    async def fail() -> None:
        raise RetryableError("postgres")

    with pytest.raises(RetryableError):
        await lease.compare(fail)
    assert lease.is_comparison_due()
    await lease.compare(_nothing)
    assert not lease.is_comparison_due()


async def test_a_cancellation_reaches_the_owner_through_another(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with (
        executing(database, MachineBackend(cluster, "owner")) as owner,
        executing(database, MachineBackend(cluster, "other")) as other,
    ):
        running, waiting = sleeping(60, 1), sleeping(60, 9)
        await owner.handle(received(running, *(sleeping(60, n) for n in range(2, 5)), waiting))
        await until(lambda: _in_state(view, "RUNNING", 4))
        await other.handle(received(cancellation(running), cancellation(waiting)))
        ends = await until(lambda: _has(view.ends, 2), 5)
    assert sorted(ends) == [(1, FailureCode.CANCELED), (9, FailureCode.CANCELED)]


async def test_a_run_is_cleaned_by_every_owner(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    backends = [MachineBackend(cluster, name) for name in ("one", "two", "idle")]
    async with (
        executing(database, backends[0]) as one,
        executing(database, backends[1]) as two,
        executing(database, backends[2]) as idle,
    ):
        await one.handle(received(sleeping(0, 1)))
        await two.handle(received(sleeping(0, 2)))
        await until(lambda: _has(view.ends, 2))
        await idle.handle(received(cleaning()))
        await until(lambda: _is(lambda: all(backend.cleaned_runs for backend in backends)), 5)
        await asyncio.sleep(1.2)
    assert [backend.cleaned_runs for backend in backends] == [[RUN_ID]] * 3


async def test_an_owner_that_is_away_cleans_when_it_comes_back(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    away = MachineBackend(cluster, "away")
    async with executing(database, away) as handlers:
        await handlers.handle(received(sleeping(0, 1)))
        await until(lambda: _has(view.ends, 1))
    async with executing(database, MachineBackend(cluster, "here")) as handlers:
        await handlers.handle(received(cleaning()))
    async with executing(database, away):
        await until(lambda: _is(lambda: away.cleaned_runs == [RUN_ID]), 5)


async def test_a_launch_that_was_stored_and_not_started_is_found(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    """Its first delivery was committed without this executor learning of it."""
    backend = MemoryBackend(cluster, "one")
    async with executing(database, backend, lease_seconds=600) as handlers:
        command = sleeping(0, 1)
        await database.transact(lambda unit: store.insert(unit.connection, "one", [command]))
        await handlers.handle(received(command))
        assert await until(lambda: _has(view.ends, 1), 5) == [(1, "attempt.succeeded")]


async def test_a_repeated_launch_is_answered_and_not_run_again(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    backend = MemoryBackend(cluster, "one")
    async with executing(database, backend) as handlers:
        for _ in range(40):
            await handlers.handle(received(sleeping(0.3, 1)))
            await asyncio.sleep(0.02)
        await until(lambda: _has(view.ends, 1))
        await handlers.handle(received(sleeping(0.3, 1)))
    assert len(cluster.started) == 1
    assert set(await view.ends()) == {(1, "attempt.succeeded")}


async def test_launches_of_the_version_without_owners_are_adopted(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    commands = {state: sleeping(0.5, n) for n, state in enumerate(["WAITING", "RUNNING", "GONE"])}
    for state, command in commands.items():
        await view.execute(
            "INSERT INTO launch (run_id, task_id, attempt, state, command, pid, pid_started) "
            "VALUES ($1, $2, $3, $4, $5, 7, 8)",
            *store.identity(command),
            "RUNNING" if state == "GONE" else state,
            command.to_json().decode(),
        )
    backend = MachineBackend(cluster, "new")
    await begin(backend, Execution(commands["RUNNING"], 1))
    async with executing(database, backend):
        ends = await until(lambda: _has(view.ends, 3))
    assert sorted(ends) == [
        (0, "attempt.succeeded"),
        (1, "attempt.succeeded"),
        (2, FailureCode.ATTEMPT_LOST),
    ]


async def test_leases_of_executors_that_are_gone_are_forgotten(
    database: Database, view: View
) -> None:
    command = sleeping(1, 1)
    await database.transact(lambda unit: store.insert(unit.connection, "open", [command]))
    for name in ("open", "gone"):
        await view.execute("INSERT INTO owner_lease VALUES ($1, now() - interval '40 days')", name)
    await view.execute(
        "INSERT INTO pending_clean VALUES ('gone', $1, now() - interval '40 days')", RUN_ID
    )
    runner = Runner(database, MemoryBackend(MemoryCluster(None), "new"), 20)  # type: ignore[arg-type]
    running = asyncio.ensure_future(runner.run())
    await runner.until_adopted()
    running.cancel()
    await asyncio.wait({running})
    rows = await view.fetch("SELECT owner FROM owner_lease ORDER BY owner")
    assert [row["owner"] for row in rows] == ["new", "open"]
    assert await view.fetch("SELECT FROM pending_clean") == []


async def test_commands_wait_for_the_adoption(database: Database, cluster: MemoryCluster) -> None:
    runner = Runner(database, MemoryBackend(cluster), 20)
    handlers = Handlers(database, runner, "local")
    handling = asyncio.ensure_future(handlers.handle(received(sleeping(0, 1))))
    await asyncio.sleep(0.1)
    assert not handling.done()
    handling.cancel()


def _listed(found: bool | tuple[bool, ...]) -> tuple[bool, ...]:
    return found if isinstance(found, tuple) else (found,)


async def _nothing() -> None:
    return


async def _is(holds: Any) -> Any:
    return holds()


async def _has(read: Any, count: int) -> Any:
    found = await read()
    return found if len(found) >= count else None


async def _in_state(view: View, state: str, count: int) -> bool:
    rows = (await view.launches()).values()
    return len([row for row in rows if row["state"] == state]) >= count

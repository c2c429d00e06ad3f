"""What an executor leaves that is killed between the end of an attempt and its clean-up."""

from __future__ import annotations

import asyncio

from headrace_executor.core.execution import Execution
from headrace_runtime.pg.database import Database

from tests.integration.executor.test_ownership import MachineBackend
from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.executors import View, executing, received, sleeping, until


class NeverCleaned(MachineBackend):
    """Its clean-up does not come to an end before the executor is killed."""

    async def clean(self, execution: Execution) -> None:
        await asyncio.Event().wait()


async def test_the_next_executor_removes_what_belongs_to_no_open_launch(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with executing(
        database, NeverCleaned(cluster, "same"), lease_seconds=600, is_killed=True
    ) as handlers:
        await handlers.handle(received(sleeping(0, 1), sleeping(600, 2)))
        await until(lambda: _ends(view, 1))
        await until(lambda: _running(view, 2))
    assert len(cluster.pods) == 2
    async with executing(database, MachineBackend(cluster, "same"), lease_seconds=600):
        await until(lambda: _pods(cluster, 1))
        (left,) = cluster.pods
        assert left.endswith("-2-1"), "it is open"
        assert cluster.started == [f"{left.removesuffix('-2-1')}-1-1", left]


async def test_a_sweep_leaves_what_another_executor_runs(
    database: Database, cluster: MemoryCluster, view: View
) -> None:
    async with executing(database, MemoryBackend(cluster, "one"), lease_seconds=600) as handlers:
        await handlers.handle(received(sleeping(600, 1)))
        await until(lambda: _running(view, 1))
        async with executing(database, MemoryBackend(cluster, "two"), lease_seconds=600) as others:
            await others._runner._sweep()
        assert len(cluster.pods) == 1


async def _ends(view: View, count: int) -> bool:
    return len(await view.ends()) == count


async def _running(view: View, attempt: int) -> bool:
    launches = await view.launches()
    return attempt in launches and launches[attempt]["state"] == "RUNNING"


async def _pods(cluster: MemoryCluster, count: int) -> bool:
    return len(cluster.pods) == count

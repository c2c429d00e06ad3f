"""Executors as processes of one machine, each with a work folder: one is killed or frozen."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from headrace_contracts.failures import FailureCode
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_runtime.bus.connection import Bus

from tests.support.executors import ExecutorProcess, View, send, until
from tests.support.launches import launch_command
from tests.support.servers import Servers

LEASE_SECONDS = 4.0
"""Longer than a busy machine may keep an executor waiting."""


@pytest.fixture
async def executors(
    servers: Servers, bus: Bus, view: View, tmp_path: Path
) -> AsyncIterator[list[ExecutorProcess]]:
    """Two executors, not started."""
    servers.start("s3")
    made = [ExecutorProcess(servers, tmp_path / name, free_port()) for name in ("one", "two")]
    yield made
    for executor in made:
        executor.remove()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def counting(folder: Path, wait: str) -> LaunchAttempt:
    """A step that notes its start and its end, with a run of its own."""
    script = f"echo start >> {folder}/notes; {wait}; echo end >> {folder}/notes"
    container = {"image": "i", "command": ["sh", "-c", script]}
    return launch_command(run_id=uuid4(), task_id=uuid4(), container=container)


async def started(executor: ExecutorProcess, lease_seconds: float = LEASE_SECONDS) -> None:
    executor.start(lease_seconds)
    await until(lambda: _is(executor.has_started))


async def running(view: View) -> Any:
    """The one launch, when it runs."""

    async def row() -> Any:
        found = (await view.launches()).get(1)
        assert found is None or found["state"] != "ENDED", found["result"]
        return found if found is not None and found["state"] == "RUNNING" else None

    return await until(row)


async def ended(view: View) -> Any:
    return await until(view.ends)


async def test_a_frozen_executor_reports_nothing_that_another_has_taken_over(
    executors: list[ExecutorProcess], bus: Bus, view: View, tmp_path: Path
) -> None:
    """It is stopped while its step runs, and continued when the step has ended."""
    for executor in executors:
        await started(executor)
    await asyncio.sleep(LEASE_SECONDS + 0.5)  # for as long nobody takes over
    await send(bus, counting(tmp_path, "sleep 2"))
    row = await running(view)
    frozen, heir = sorted(executors, key=lambda executor: executor.owner() != row["owner"])
    assert frozen.owner() == row["owner"] != heir.owner()
    frozen.signal(signal.SIGSTOP)
    assert await ended(view) == [(1, FailureCode.ATTEMPT_LOST)]
    await until(lambda: _is(lambda: (tmp_path / "notes").read_text() == "start\nend\n"))
    frozen.signal(signal.SIGCONT)
    await until(lambda: _is(lambda: not frozen.attempt_folders()))
    await asyncio.sleep(0.5)
    assert await view.ends() == [(1, FailureCode.ATTEMPT_LOST)]
    row = (await view.launches())[1]
    assert (row["owner"], row["epoch"]) == (heir.owner(), 2)


async def test_a_frozen_executor_stops_a_step_that_it_has_lost(
    executors: list[ExecutorProcess], bus: Bus, view: View, tmp_path: Path
) -> None:
    for executor in executors:
        await started(executor)
    await asyncio.sleep(LEASE_SECONDS + 0.5)
    await send(bus, counting(tmp_path, "sleep 600"))
    row = await running(view)
    frozen = next(executor for executor in executors if executor.owner() == row["owner"])
    frozen.signal(signal.SIGSTOP)
    assert await ended(view) == [(1, FailureCode.ATTEMPT_LOST)]
    frozen.signal(signal.SIGCONT)
    await until(lambda: _is(lambda: not frozen.attempt_folders()))
    assert (tmp_path / "notes").read_text() == "start\n"
    assert await view.ends() == [(1, FailureCode.ATTEMPT_LOST)]


async def test_a_killed_executor_adopts_its_steps_when_it_restarts(
    executors: list[ExecutorProcess], bus: Bus, view: View, tmp_path: Path
) -> None:
    """At once, although its lease is valid and another executor runs."""
    one, two = executors
    await started(one, lease_seconds=600)
    await send(bus, counting(tmp_path, f"until [ -e {tmp_path}/go ]; do sleep 0.05; done"))
    await running(view)
    await started(two, lease_seconds=600)
    one.signal(signal.SIGKILL)
    await started(one, lease_seconds=600)

    async def adopted() -> bool:
        return bool((await view.launches())[1]["epoch"] == 2)

    await until(adopted)
    (tmp_path / "go").touch()
    assert await ended(view) == [(1, "attempt.succeeded")]
    assert (await view.launches())[1]["owner"] == one.owner()
    assert (tmp_path / "notes").read_text() == "start\nend\n", "the step was started once"
    await until(lambda: _is(lambda: not one.attempt_folders()))


async def test_a_killed_executors_steps_are_lost_when_it_stays_away(
    executors: list[ExecutorProcess], bus: Bus, view: View, tmp_path: Path
) -> None:
    one, two = executors
    await started(one)
    await send(bus, counting(tmp_path, "sleep 600"))
    await running(view)
    one.signal(signal.SIGKILL)
    await started(two)
    assert await ended(view) == [(1, FailureCode.ATTEMPT_LOST)]
    assert (await view.launches())[1]["owner"] == two.owner()


async def test_a_killed_executor_stops_what_it_has_lost_when_it_restarts(
    executors: list[ExecutorProcess], bus: Bus, view: View, tmp_path: Path
) -> None:
    """Its step outlived it, and its retry may run elsewhere."""
    one, two = executors
    await started(one)
    await send(bus, counting(tmp_path, "sleep 600"))
    launcher = Path("/proc", str(json.loads((await running(view))["handle"])["pid"]))
    one.signal(signal.SIGKILL)
    await started(two)
    assert await ended(view) == [(1, FailureCode.ATTEMPT_LOST)]
    assert one.attempt_folders()
    assert _exists(launcher)
    await started(one)
    await until(lambda: _is(lambda: not one.attempt_folders()))
    await until(lambda: _is(lambda: not _exists(launcher)))
    assert await view.ends() == [(1, FailureCode.ATTEMPT_LOST)]


async def test_a_work_folder_has_one_executor(
    executors: list[ExecutorProcess], servers: Servers, view: View
) -> None:
    one, _ = executors
    await started(one)
    second = ExecutorProcess(servers, one.folder, 0)
    second.start(LEASE_SECONDS)
    assert second.wait(30) == 1
    assert "another executor uses the work folder" in (one.folder / "executor.log").read_text()


async def _is(holds: Any) -> Any:
    return holds()


def _exists(path: Path) -> bool:
    return path.exists()

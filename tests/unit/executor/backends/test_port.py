"""What the port promises, on every backend."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.failures import FailureCode
from headrace_contracts.launches import ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_executor.backends.port import Attempt, Backend, CannotLaunchError, Handle, Vanished
from headrace_executor.backends.process.backend import ProcessBackend

from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.launches import (
    RUN_ID,
    Objects,
    Settings,
    Store,
    ignore_waiting,
    launch_command,
    serving,
)

TIMEOUT_SECONDS = 30


@dataclass
class Place:
    """A backend, its successor after a restart, and a way to kill a launch."""

    backend: Backend
    restart: Callable[[], Awaitable[Backend]]
    kill: Callable[[Handle], None]


@pytest.fixture
def objects() -> Iterator[Objects]:
    with serving() as running:
        yield running


@pytest.fixture(params=["process", "memory"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, objects: Objects
) -> AsyncIterator[Place]:
    if request.param == "memory":
        cluster = MemoryCluster(objects)

        async def again() -> Backend:
            return MemoryBackend(cluster, "memory-2")

        yield Place(
            MemoryBackend(cluster), again, lambda handle: cluster.pods[str(handle["pod"])].kill()
        )
        for pod in cluster.pods.values():
            pod.kill()
        return
    made: list[ProcessBackend] = []

    def create() -> ProcessBackend:
        settings: Any = Settings(tmp_path)
        store: Any = Store(objects)
        made.append(ProcessBackend(settings, store, "process-test"))
        return made[-1]

    async def restart() -> Backend:
        await made[-1].close()
        return create()

    def kill(handle: Handle) -> None:
        pid = handle["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)

    yield Place(create(), restart, kill)
    for backend in made:
        await backend.close()


def sleep(seconds: float, **changes: Any) -> LaunchAttempt:
    container = {"image": "i", "command": ["sleep", str(seconds)]}
    return launch_command(container=container, **changes)


async def waited(backend: Backend, command: LaunchAttempt, handle: Handle) -> Any:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return await backend.wait(command, handle)


async def test_a_launch_ends_with_its_result(place: Place) -> None:
    command = launch_command()
    handle = await place.backend.launch(command, ignore_waiting)
    assert json.loads(json.dumps(handle)) == handle, "it is stored as JSON"
    assert place.backend.describe(handle)
    for _ in range(2):
        end = await waited(place.backend, command, handle)
        assert isinstance(end, ResultManifest)
        assert end.state == "SUCCEEDED"
    for _ in range(2):
        await place.backend.clean(command)
        await place.backend.clean_run(RUN_ID)
    assert await place.backend.find(command, None) is None


async def test_a_failed_command_is_a_result(place: Place) -> None:
    command = launch_command(container={"image": "i", "command": ["false"]})
    handle = await place.backend.launch(command, ignore_waiting)
    end = await waited(place.backend, command, handle)
    assert isinstance(end, ResultManifest)
    assert end.failure is not None
    assert end.failure.code == FailureCode.COMMAND_FAILED


async def test_what_was_never_started_is_not_found(place: Place) -> None:
    assert await place.backend.find(launch_command(), None) is None


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_successor_finds_a_running_launch(place: Place, is_stored: bool) -> None:
    command = sleep(0.5)
    handle = await place.backend.launch(command, ignore_waiting)
    successor = await place.restart()
    found = await successor.find(command, json.loads(json.dumps(handle)) if is_stored else None)
    assert found is not None
    end = await waited(successor, command, found)
    assert isinstance(end, ResultManifest)
    assert end.state == "SUCCEEDED"
    await successor.clean(command)


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_successor_reads_the_result_of_an_ended_launch(
    place: Place, is_stored: bool
) -> None:
    command = launch_command()
    handle = await place.backend.launch(command, ignore_waiting)
    await waited(place.backend, command, handle)
    successor = await place.restart()
    found = await successor.find(command, handle if is_stored else None)
    assert found is not None
    end = await waited(successor, command, found)
    assert isinstance(end, ResultManifest)


async def test_a_killed_launch_has_vanished(place: Place) -> None:
    command = sleep(600)
    handle = await place.backend.launch(command, ignore_waiting)
    place.kill(handle)
    end = await waited(place.backend, command, handle)
    assert isinstance(end, Vanished)
    assert end.reason


@pytest.mark.parametrize("is_inherited", [True, False])
async def test_a_launch_is_stopped(place: Place, is_inherited: bool) -> None:
    command = sleep(600)
    backend = place.backend
    handle = await backend.launch(command, ignore_waiting)
    if is_inherited:
        backend = await place.restart()
        found = await backend.find(command, handle)
        assert found is not None
        handle = found
    stopping = asyncio.ensure_future(backend.stop(command, handle))
    end = await waited(backend, command, handle)
    stopping.cancel()
    assert isinstance(end, ResultManifest)
    assert end.failure is not None
    assert end.failure.code == FailureCode.CANCELED


async def test_what_can_never_start_is_refused(place: Place) -> None:
    wrong = launch_command(container={"image": "i", "command": ["{{$.inputs.parameters['x']}}"]})
    with pytest.raises(CannotLaunchError) as caught:
        await place.backend.launch(wrong, ignore_waiting)
    assert caught.value.failure.code == FailureCode.PLACEHOLDER_INVALID
    assert await place.backend.find(wrong, None) is None


async def test_a_cancelled_launch_never_starts_or_is_found(place: Place) -> None:
    for attempt in range(1, 11):
        command = launch_command(attempt=attempt)
        launching = asyncio.ensure_future(place.backend.launch(command, ignore_waiting))
        await asyncio.sleep(attempt * 0.0005)
        launching.cancel()
        await asyncio.wait({launching})
        if not launching.cancelled():
            continue
        if await place.backend.find(command, None) is None:
            await asyncio.sleep(0.02)
            assert await place.backend.find(command, None) is None


def test_room_is_taken_and_given_back(place: Place) -> None:
    one, two, three = (launch_command(attempt=number) for number in (1, 2, 3))
    assert place.backend.reserve(one, is_running=False)
    assert place.backend.reserve(two, is_running=False)
    assert not place.backend.reserve(three, is_running=False)
    assert place.backend.reserve(three, is_running=True), "it runs, whether there is room or not"
    place.backend.release(one)
    assert not place.backend.reserve(one, is_running=False)
    place.backend.release(two)
    assert place.backend.reserve(one, is_running=False)


async def test_what_is_left_of_attempts_that_are_not_open_is_removed(place: Place) -> None:
    """Their executor was killed after it had committed the end, and before it cleaned."""
    left, kept = launch_command(attempt=1), sleep(600, attempt=2)
    handle = await place.backend.launch(left, ignore_waiting)
    await waited(place.backend, left, handle)
    running = await place.backend.launch(kept, ignore_waiting)
    backend = await place.restart()
    asked: list[Attempt] = []

    async def open_among(attempts: Sequence[Attempt]) -> set[Attempt]:
        asked.extend(attempts)
        return {(kept.run_id, kept.task_id, 2)}

    assert await backend.sweep(open_among) == 1
    assert sorted(number for _, _, number in asked) == [1, 2]
    asked.clear()
    assert await backend.sweep(open_among) == 0
    assert [number for _, _, number in asked] == [2]
    assert await backend.find(kept, running) == running, "it goes on"
    await backend.stop(kept, running)

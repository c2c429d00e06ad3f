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
from headrace_executor.backends.port import Attempt, Backend, CannotLaunchError, Handle, Vanished
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.core.execution import Execution

from tests.support.backends import MemoryBackend, MemoryCluster
from tests.support.launches import (
    RUN_ID,
    Objects,
    Settings,
    Store,
    begin,
    first,
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


def sleep(seconds: float, **changes: Any) -> Execution:
    container = {"image": "i", "command": ["sleep", str(seconds)]}
    return first(container=container, **changes)


async def waited(backend: Backend, execution: Execution, handle: Handle) -> Any:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return await backend.wait(execution, handle)


async def test_a_launch_ends_with_its_result(place: Place) -> None:
    execution = first()
    handle = await begin(place.backend, execution)
    assert json.loads(json.dumps(handle)) == handle, "it is stored as JSON"
    assert place.backend.describe(handle)
    for _ in range(2):
        end = await waited(place.backend, execution, handle)
        assert isinstance(end, ResultManifest)
        assert end.state == "SUCCEEDED"
    for _ in range(2):
        await place.backend.clean(execution)
        await place.backend.clean_run(RUN_ID)
    assert await place.backend.find(execution, None) is None


async def test_a_failed_command_is_a_result(place: Place) -> None:
    execution = first(container={"image": "i", "command": ["false"]})
    handle = await begin(place.backend, execution)
    end = await waited(place.backend, execution, handle)
    assert isinstance(end, ResultManifest)
    assert end.failure is not None
    assert end.failure.code == FailureCode.COMMAND_FAILED


async def test_what_was_never_started_is_not_found(place: Place) -> None:
    assert await place.backend.find(first(), None) is None


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_successor_finds_a_running_launch(place: Place, is_stored: bool) -> None:
    execution = sleep(0.5)
    handle = await begin(place.backend, execution)
    successor = await place.restart()
    found = await successor.find(execution, json.loads(json.dumps(handle)) if is_stored else None)
    assert found is not None
    end = await waited(successor, execution, found)
    assert isinstance(end, ResultManifest)
    assert end.state == "SUCCEEDED"
    await successor.clean(execution)


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_successor_reads_the_result_of_an_ended_launch(
    place: Place, is_stored: bool
) -> None:
    execution = first()
    handle = await begin(place.backend, execution)
    await waited(place.backend, execution, handle)
    successor = await place.restart()
    found = await successor.find(execution, handle if is_stored else None)
    assert found is not None
    end = await waited(successor, execution, found)
    assert isinstance(end, ResultManifest)


async def test_a_killed_launch_has_vanished(place: Place) -> None:
    execution = sleep(600)
    handle = await begin(place.backend, execution)
    place.kill(handle)
    end = await waited(place.backend, execution, handle)
    assert isinstance(end, Vanished)
    assert end.reason


@pytest.mark.parametrize("is_inherited", [True, False])
async def test_a_launch_is_stopped(place: Place, is_inherited: bool) -> None:
    execution = sleep(600)
    backend = place.backend
    handle = await begin(backend, execution)
    if is_inherited:
        backend = await place.restart()
        found = await backend.find(execution, handle)
        assert found is not None
        handle = found
    stopping = asyncio.ensure_future(backend.stop(execution, handle))
    end = await waited(backend, execution, handle)
    stopping.cancel()
    assert isinstance(end, ResultManifest)
    assert end.failure is not None
    assert end.failure.code == FailureCode.CANCELED


async def test_what_can_never_start_is_refused(place: Place) -> None:
    wrong = first(container={"image": "i", "command": ["{{$.inputs.parameters['x']}}"]})
    with pytest.raises(CannotLaunchError) as caught:
        await begin(place.backend, wrong)
    assert caught.value.failure.code == FailureCode.PLACEHOLDER_INVALID
    assert await place.backend.find(wrong, None) is None


async def test_a_cancelled_launch_never_starts_or_is_found(place: Place) -> None:
    for attempt in range(1, 11):
        execution = first(attempt=attempt)
        launching = asyncio.ensure_future(begin(place.backend, execution))
        await asyncio.sleep(attempt * 0.0005)
        launching.cancel()
        await asyncio.wait({launching})
        if not launching.cancelled():
            continue
        if await place.backend.find(execution, None) is None:
            await asyncio.sleep(0.02)
            assert await place.backend.find(execution, None) is None


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
    left, kept = first(attempt=1), sleep(600, attempt=2)
    handle = await begin(place.backend, left)
    await waited(place.backend, left, handle)
    running = await begin(place.backend, kept)
    backend = await place.restart()
    asked: list[Attempt] = []

    async def open_among(attempts: Sequence[Attempt]) -> set[Attempt]:
        asked.extend(attempts)
        return {(kept.command.run_id, kept.command.task_id, 2)}

    assert await backend.sweep(open_among) == 1
    assert sorted(number for _, _, number in asked) == [1, 2]
    asked.clear()
    assert await backend.sweep(open_among) == 0
    assert [number for _, _, number in asked] == [2]
    assert await backend.find(kept, running) == running, "it goes on"
    await backend.stop(kept, running)

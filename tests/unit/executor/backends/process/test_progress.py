"""What the process backend tells of a launch while it runs, and when its deployment stops."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from headrace_contracts.launches import Progress, ResultManifest
from headrace_executor.backends.port import Vanished
from headrace_executor.backends.process.backend import ProcessBackend

from tests.support.launches import (
    Objects,
    Settings,
    Store,
    begin,
    first,
)


@pytest.mark.parametrize("is_adopted", [False, True])
async def test_the_end_of_a_command_is_told_while_its_outputs_wait_for_the_store(
    backend: ProcessBackend, objects: Objects, tmp_path: Path, is_adopted: bool
) -> None:
    execution = first(container={"image": "i", "command": ["seq", "100"]})
    objects.faults = [503] * 100_000
    handle = await begin(backend, execution)
    follower = backend
    if is_adopted:
        await backend.close()
        follower = ProcessBackend(Settings(tmp_path), Store(objects), "test")  # type: ignore[arg-type]
    told: asyncio.Queue[Progress] = asyncio.Queue()
    waiting = asyncio.ensure_future(follower.wait(execution, handle))
    following = asyncio.ensure_future(follower.follow(execution, handle, told.put))
    async with asyncio.timeout(60):
        progress = await told.get()
        while not progress.waiting:
            assert progress.command_ended
            progress = await told.get()
    assert progress.command_ended
    assert not waiting.done()
    objects.faults = []
    async with asyncio.timeout(60):
        end = await waiting
    following.cancel()
    assert isinstance(end, ResultManifest)
    assert end.state == "SUCCEEDED"
    await follower.close()


@pytest.mark.parametrize("is_marked", [False, True])
async def test_a_launcher_that_is_killed_while_the_deployment_stops_says_so(
    backend: ProcessBackend, is_marked: bool
) -> None:
    execution = first(container={"image": "i", "command": ["sleep", "600"]})
    handle = await begin(backend, execution)
    if is_marked:
        backend.folders.stop_mark.touch()
    assert isinstance(handle["pid"], int)
    os.kill(handle["pid"], signal.SIGKILL)
    backend.folders.take_stop_mark()
    async with asyncio.timeout(60):
        end = await backend.wait(execution, handle)
    assert isinstance(end, Vanished)
    assert end.deployment_stopped is is_marked

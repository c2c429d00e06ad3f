"""Executions of one attempt on one machine: launchers and the fork server stop or die at any
moment, and two executions never run at one time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import ResultManifest
from headrace_executor.backends.port import Handle, Vanished
from headrace_executor.backends.process import fork_client
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.backends.process.fork_client import UnansweredError
from headrace_executor.core.execution import Execution
from headrace_runtime.errors import RetryableError

from tests.support.launches import (
    RUN_ID,
    Objects,
    Settings,
    Store,
    begin,
    first,
)
from tests.support.waiting import until_async


def noting(folder: Path, **changes: object) -> Execution:
    """A step that fails if it finds another one of its kind, and runs until it is told to end."""
    script = (
        f"mkdir {folder}/alive || exit 9; echo $HEADRACE_LAUNCH_ID >> {folder}/starts; "
        f"until [ -e {folder}/go ]; do sleep 0.05; done; rmdir {folder}/alive"
    )
    return first(container={"image": "i", "command": ["sh", "-c", script]}, **changes)


def starts(folder: Path) -> list[str]:
    """The launch ids of the steps that were started."""
    path = folder / "starts"
    return path.read_text().split() if path.exists() else []


def fork_servers() -> list[int]:
    """The fork servers of this process."""
    return [
        pid
        for pid in children(os.getpid())
        if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"--serve\0")
    ]


def children(pid: int) -> list[int]:
    """The children of a process, whichever of its threads started them."""
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def lock_of(tmp_path: Path, execution: Execution) -> str:
    command = execution.command
    return str(tmp_path / f"steps/{RUN_ID}/{command.task_id.hex}-{command.attempt}/lock")


def pid_of(handle: Handle) -> int:
    pid = handle["pid"]
    assert isinstance(pid, int)
    return pid


async def ended(backend: ProcessBackend, execution: Execution, handle: Handle) -> ResultManifest:
    end = await backend.wait(execution, handle)
    assert isinstance(end, ResultManifest), end
    return end


async def test_a_launch_whose_answer_came_too_late_is_found(
    backend: ProcessBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The executor was stopped, and its time-out wins over the answer that lies in the socket."""

    async def late(_: socket.socket, __: int) -> bytes:
        await until_async(lambda: len(starts(tmp_path)) == 1)
        raise TimeoutError

    execution = noting(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "sock_recv", late)
        with pytest.raises(UnansweredError):
            await begin(backend, execution)
    handle = await backend.find(execution, None)
    assert handle, "it runs"
    (tmp_path / "go").touch()
    manifest = await ended(backend, execution, handle)
    assert (manifest.state, manifest.launch_id) == ("SUCCEEDED", execution.launch_id)
    assert starts(tmp_path) == [execution.launch_id]


async def test_a_launch_that_a_stopped_server_has_is_not_run_later(
    backend: ProcessBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(backend, first(attempt=7), await begin(backend, first(attempt=7)))
    (server,) = fork_servers()
    os.kill(server, signal.SIGSTOP)
    monkeypatch.setattr(fork_client, "_ANSWER_SECONDS", 0.2)
    execution = noting(tmp_path)
    with pytest.raises(UnansweredError):
        await begin(backend, execution)
    monkeypatch.setattr(fork_client, "_ANSWER_SECONDS", 60.0)
    assert await backend.find(execution, None) is None
    handle = await begin(backend, execution.next)
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGCONT)
    (tmp_path / "go").touch()
    assert (await ended(backend, execution.next, handle)).execution == 2
    assert starts(tmp_path) == [execution.next.launch_id]


async def test_a_launcher_that_is_stopped_before_it_answers_is_ended(
    backend: ProcessBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not go on when the next execution runs."""
    idle = pid_of(await begin(backend, first(attempt=7)))
    await ended(backend, first(attempt=7), {"pid": idle, "start_time": 0})
    await backend.clean(first(attempt=7))
    os.kill(idle, signal.SIGSTOP)
    monkeypatch.setattr(fork_client, "_ANSWER_SECONDS", 0.2)
    execution = noting(tmp_path)
    with pytest.raises(UnansweredError):
        await begin(backend, execution)
    monkeypatch.setattr(fork_client, "_ANSWER_SECONDS", 60.0)
    assert await backend.find(execution, None) is None
    handle = await begin(backend, execution.next)
    os.kill(idle, signal.SIGCONT)
    await until_async(lambda: not Path(f"/proc/{idle}").exists())
    (tmp_path / "go").touch()
    assert (await ended(backend, execution.next, handle)).state == "SUCCEEDED"
    assert starts(tmp_path) == [execution.next.launch_id]


async def test_a_launcher_that_holds_the_lock_without_an_answer_is_ended(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    execution = noting(tmp_path)
    lock = lock_of(tmp_path, execution)
    os.makedirs(os.path.dirname(lock))
    os.close(os.open(lock, os.O_CREAT))
    code = (
        "import sys, time; from headrace_launcher.attempt_lock import Record, take; "
        "held = take(sys.argv[1], Record(1, 1, 1)); print('held', flush=True); time.sleep(600)"
    )
    stopped = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, lock, stdout=asyncio.subprocess.PIPE
    )
    assert stopped.stdout is not None
    assert await stopped.stdout.readline() == b"held\n"
    with pytest.raises(RetryableError, match="refused: the attempt is run by"):
        await begin(backend, execution)
    stopped.send_signal(signal.SIGSTOP)
    assert await backend.find(execution, None) is None
    assert await stopped.wait() == -signal.SIGKILL
    (tmp_path / "go").touch()
    handle = await begin(backend, execution.next)
    assert (await ended(backend, execution.next, handle)).state == "SUCCEEDED"


async def test_what_a_dead_launcher_left_ends_before_the_next_execution(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    """Launcher and fork server are killed together, so that nobody else ends the step."""
    execution = noting(tmp_path)
    handle = await begin(backend, execution)
    await until_async(lambda: len(starts(tmp_path)) == 1)
    (server,) = fork_servers()
    os.kill(server, signal.SIGKILL)
    os.kill(pid_of(handle), signal.SIGKILL)
    found = await backend.find(execution, None)
    assert found is not None, "it was started, so it is not started again"
    assert isinstance(await backend.wait(execution, found), Vanished)
    assert marked(execution.launch_id) == []


async def test_the_step_of_an_execution_before_ends_before_the_next(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    """Its launcher and its lock are gone, and the step lives."""
    execution = noting(tmp_path)
    handle = await begin(backend, execution)
    await until_async(lambda: len(starts(tmp_path)) == 1)
    (server,) = fork_servers()
    os.kill(server, signal.SIGKILL)
    os.kill(pid_of(handle), signal.SIGKILL)
    os.unlink(lock_of(tmp_path, execution))
    assert marked(execution.launch_id)
    assert await backend.find(execution.next, None) is None
    assert marked(execution.launch_id) == []


async def test_the_folder_of_a_live_execution_stays(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    execution = noting(tmp_path)
    handle = await begin(backend, execution)
    await until_async(lambda: len(starts(tmp_path)) == 1)
    for again in (execution, execution.next):
        with pytest.raises(RetryableError, match=f"run by Record.*pid={handle['pid']}, "):
            await begin(backend, again)
    (tmp_path / "go").touch()
    assert (await ended(backend, execution, handle)).state == "SUCCEEDED"
    assert starts(tmp_path) == [execution.launch_id]


async def test_two_executions_share_no_object(backend: ProcessBackend, objects: Objects) -> None:
    execution = first(container={"image": "i", "command": ["echo", "Hello"]})
    for one in (execution, execution.next):
        await ended(backend, one, await begin(backend, one))
        assert one.key_prefix.endswith(f"/train/1/{one.number}/")
        assert objects.held[one.log_key] == b"Hello\n"


async def test_a_result_of_another_execution_is_not_accepted(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    execution = first()
    handle = await begin(backend, execution)
    await ended(backend, execution, handle)
    folder = Path(lock_of(tmp_path, execution)).parent
    (folder / "2").mkdir()
    (folder / "1" / "result.json").rename(folder / "2" / "result.json")
    manifest = await ended(backend, execution.next, {})
    assert manifest.failure is not None
    assert f"is of '{execution.launch_id}', expected" in manifest.failure.message


async def test_hundreds_of_launches_at_a_time_need_one_server(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    warm = first(attempt=1000)
    await ended(backend, warm, await begin(backend, warm))
    (server,) = fork_servers()
    os.kill(server, signal.SIGSTOP)
    executions = [first(attempt=number) for number in range(400)]
    starting = [asyncio.ensure_future(begin(backend, one)) for one in executions]
    await asyncio.sleep(0.5)
    os.kill(server, signal.SIGCONT)

    async def finish(execution: Execution, started: asyncio.Future[Handle]) -> str:
        manifest = await ended(backend, execution, await started)
        await backend.clean(execution)
        return manifest.state

    states = await asyncio.gather(*map(finish, executions, starting))
    assert set(states) == {"SUCCEEDED"}
    assert fork_servers() == [server]


async def test_a_server_that_ends_while_it_is_asked_is_replaced_at_once(
    backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is far above what a new server takes, and far below the time for an answer."""
    monkeypatch.setattr(fork_client, "_ANSWER_SECONDS", 3600.0)
    execution = first(container={"image": "i", "command": ["sleep", "0.3"]})
    running = asyncio.ensure_future(begin(backend, execution))
    await running
    (server,) = fork_servers()
    os.kill(server, signal.SIGSTOP)
    starting = asyncio.ensure_future(begin(backend, first(attempt=2)))
    await asyncio.sleep(0.2)
    os.kill(server, signal.SIGKILL)
    async with asyncio.timeout(120):
        await ended(backend, first(attempt=2), await starting)
    assert fork_servers() != [server]


async def test_a_fork_that_fails_is_retryable(
    backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says so; it is not restarted."""
    warm = first(attempt=7)
    await ended(backend, warm, await begin(backend, warm))
    server = backend._forks._server
    assert server is not None

    async def refusing() -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            theirs.sendall(json.dumps({"refused": "cannot fork a launcher"}).encode() + b"\n")
            await asyncio.sleep(0)
            backend_ends.append(theirs.detach())
        return ours

    backend_ends: list[int] = []
    monkeypatch.setattr(server, "fork", refusing)
    with pytest.raises(RetryableError, match="cannot fork a launcher"):
        await begin(backend, first())
    assert backend._forks._server is server
    for descriptor in backend_ends:
        os.close(descriptor)


def marked(launch_id: str) -> list[int]:
    """The processes of an execution."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            variables = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
            if f"HEADRACE_LAUNCH_ID={launch_id}".encode() in variables.split(b"\0"):
                found.append(int(entry.name))
    return found


async def test_the_same_attempt_of_another_deployment_is_left_alone(
    backend: ProcessBackend, objects: Objects, tmp_path: Path
) -> None:
    """A data folder was copied: both deployments have attempts with the same ids."""
    settings: Any = Settings(tmp_path / "copy")
    store: Any = Store(objects)
    copy = ProcessBackend(settings, store, "copy")
    execution = first(container={"image": "i", "command": ["sh", "-c", "echo up >&2; sleep 1"]})
    handle = await begin(copy, execution)
    waiting = asyncio.ensure_future(copy.wait(execution, handle))
    while not waiting.done():
        assert await backend.find(execution, None) is None
        await asyncio.sleep(0.05)
    end = waiting.result()
    assert isinstance(end, ResultManifest)
    assert end.state == "SUCCEEDED"
    await copy.clean(execution)
    await copy.close()

"""The programs that an executor starts: the fork server, its launchers, and steps.

They speak the protocol of `headrace_launcher.launcher`, take the real lock of an attempt, and read
and write the real launch files and manifests. A step takes some time and then writes the number of
its execution to each of its outputs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace_launcher import attempt_lock
from headrace_launcher.attempt_lock import Record, RefusedError
from headrace_launcher.progress import Progress

from tests.simulation import sockets
from tests.simulation.clock import chance, now
from tests.simulation.host import Execution, Host, OsProcess, host_of_process
from tests.simulation.sockets import End

_IDLE_SECONDS = 60.0
_LAUNCHES = 100
_FORK_SECONDS = 0.004


async def serve_forks(host: Host, me: OsProcess, control: End) -> None:
    """The fork server. It kills what a launcher leaves behind, and ends after the last one."""
    sockets.at_end_of_process(lambda: control.release(me.process))
    launchers: set[int] = set()

    def fork(channel: End) -> None:
        made: list[Launcher] = []
        started = host.start(
            "launcher", lambda me: made.append(Launcher(host, me, channel)) or made[0].work()
        )
        channel.hold(started.process)
        sockets.landed(channel)
        launchers.add(started.id.pid)
        ended = started.process.when_ended

        def end() -> None:
            ended()
            launchers.discard(started.id.pid)
            for step in made[0].steps if not me.process.is_dead else ():
                step.process.kill()

        started.process.when_ended = end

    is_open = True
    while is_open or launchers:
        ends = await control.receive(_IDLE_SECONDS) if is_open else await asyncio.sleep(1)
        if ends is None:
            is_open = False
            continue
        await asyncio.sleep(_FORK_SECONDS)
        for channel in ends:
            fork(channel)


class Launcher:
    """A launcher: one launch after another from its channel."""

    def __init__(self, host: Host, me: OsProcess, channel: End) -> None:
        self._host = host
        self._me = me
        self._channel = channel
        self._note = host.watcher.note
        self._asked_to_stop = asyncio.Event()
        self._progress = Progress(None, self._tell_progress)
        self.steps: list[OsProcess] = []

    async def work(self) -> None:
        """Until the channel is closed or idle."""
        me, handlers = self._me, self._me.process.handlers
        sockets.at_end_of_process(lambda: self._channel.release(me.process))
        for _ in range(_LAUNCHES):
            handlers.pop(signal.SIGTERM, None)
            line = await self._channel.receive(_IDLE_SECONDS)
            if line is None:
                return
            request = json.loads(line)
            self._host.watcher.moment("launch", self._host)
            self._asked_to_stop.clear()
            handlers[signal.SIGTERM] = self._asked_to_stop.set
            record = Record(me.id.pid, me.id.start_time, request["execution"])
            try:
                lock = attempt_lock.take(request["lock"], record)
            except RefusedError as error:
                self._answer({"refused": str(error)})
                continue
            me.files = {request["lock"]}
            is_released: list[bool] = []
            sockets.at_end_of_process(lambda lock=lock, done=is_released: done or lock.release())
            try:
                _write(request["stderr"], b"")
                await self._pause()
                self._answer({"pid": me.id.pid, "start_time": me.id.start_time})
                await self._pause()
                lock.accept()
                await self._run_step(request["launch"])
            except OSError as error:
                self._note(me.process.name, f"fails: {error}")
                return
            is_released.append(True)
            lock.release()
            me.files = set()
            self._answer({"ended": True})

    async def _pause(self) -> None:
        await asyncio.sleep(chance().choice((0, 0, 0.001, 0.02)))

    def _tell_progress(self) -> None:
        with contextlib.suppress(OSError):
            self._answer({"progress": True})

    def _answer(self, message: dict[str, Any]) -> None:
        if self._channel.peer.is_closed:
            raise BrokenPipeError(32, "Broken pipe")
        self._channel.peer.put(json.dumps(message).encode() + b"\n")

    async def _run_step(self, path: str) -> None:
        """`headrace_launcher.step.run`."""
        launch = json.loads(_read(path))
        self._progress = Progress(launch["progress_path"], self._tell_progress)
        manifest = {"v": 1, "started_at": now().isoformat()}
        manifest |= {"launch_id": launch["launch_id"], "execution": launch["execution"]}
        for folder in (*launch["dirs"], *(os.path.dirname(p) for p in _outputs(launch))):
            os.makedirs(folder, exist_ok=True)
        execution = start_command(self._host, launch, await self._inputs(launch))
        self.steps = [execution.command]
        await self._wait(execution)
        failure = None
        if self._asked_to_stop.is_set():
            failure = {"code": "CANCELED", "message": "the step was canceled"}
            manifest["deployment_stopped"] = _exists(launch["stop_mark_path"])
        elif execution.end != "succeeded":
            failure = {"code": "COMMAND_FAILED", "message": f"the command {execution.end}"}
        manifest |= {"state": "FAILED" if failure else "SUCCEEDED", "failure": failure}
        if failure is None:
            self._progress.command_ended()
            manifest |= await self._collect(launch)
        manifest["finished_at"] = now().isoformat()
        await self._deliver(launch, json.dumps(manifest).encode())
        execution.has_result = True
        self._host.watcher.moment("result", self._host)

    async def _inputs(self, launch: dict[str, Any]) -> dict[str, str]:
        found = {}
        for artifact in launch["inputs"]:
            for file in artifact["files"]:
                key = file["url"].partition(":")[2]
                content = await self._patiently(self._host.objects.get, key)
                found[artifact["name"]] = content.decode()
        return found

    async def _wait(self, execution: Execution) -> None:
        """Until the command has ended, or this launcher is asked to stop."""
        command = execution.command
        waiting = [
            asyncio.ensure_future(event.wait()) for event in (command.ended, self._asked_to_stop)
        ]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        if not command.ended.is_set():
            command.process.kill()
            await command.ended.wait()

    async def _collect(self, launch: dict[str, Any]) -> dict[str, Any]:
        """Upload the artifacts; returns what the manifest says about the outputs."""
        parameters = {one["name"]: _read(one["path"]) for one in launch["output_parameters"]}
        artifacts = {}
        for one in launch["output_artifacts"]:
            content = _read(one["path"]).encode()
            await asyncio.sleep(chance().uniform(0, 0.02))
            await self._patiently(self._host.objects.put, one["key"], content)
            found = {"name": one["name"], "uri": one["uri"], "type": one["type"]}
            found["content"] = {"kind": "file", "bytes": len(content), "files": 1}
            artifacts[one["name"]] = [found]
        return {"parameters": parameters, "artifacts": artifacts}

    async def _deliver(self, launch: dict[str, Any], body: bytes) -> None:
        path = launch["result"]["path"]
        try:
            _write(path + ".part", body)
            os.rename(path + ".part", path)
        except OSError as error:
            self._note(self._me.process.name, f"cannot write its manifest: {error.strerror}")
            await self._patiently(self._host.objects.put, launch["result"]["key"], body)

    async def _patiently(self, call: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            try:
                result = await call(*arguments)
            except Exception as error:
                self._note(self._me.process.name, f"waits: {error}")
                self._progress.wait_for(str(error))
                await asyncio.sleep(0.5)
            else:
                self._progress.wait_for("")
                return result


def start_command(host: Host, launch: dict[str, Any], inputs: dict[str, str]) -> Execution:
    """The command of a step. Its arguments: how long it takes, how likely it fails, and then the
    names and values of its input parameters."""
    seconds, failing, *values = launch["argv"][1:]
    run_id, task_id, attempt = identity_of(launch["launch_id"])
    number = host.watcher.next_execution()

    async def command(_: OsProcess) -> None:
        await asyncio.sleep(float(seconds))
        if chance().random() < float(failing):
            execution.end = "failed"
            return
        try:
            for path in _outputs(launch):
                _write(path, str(number).encode())
                await asyncio.sleep(chance().uniform(0, 0.005))
        except OSError as error:
            host.watcher.note(str(execution), f"has lost its folder: {error}")
            execution.end = "failed"
            return
        execution.end = "succeeded"

    started = host.start("step", command, launch["env"])
    execution = Execution(number, run_id, task_id, attempt, host, started)
    reaped = started.process.when_ended

    def end() -> None:
        execution.end = execution.end or "killed"
        host.watcher.note(str(execution), execution.end)
        reaped()

    started.process.when_ended = end
    given = dict(zip(values[::2], values[1::2], strict=True))
    host.watcher.execution_started(execution, given | inputs)
    return execution


def identity_of(launch_id: str) -> tuple[UUID, UUID, int]:
    """Run, task and attempt; what follows distinguishes executions of the attempt."""
    attempt = launch_id[74:].partition("-")[0]
    return UUID(launch_id[:36]), UUID(launch_id[37:73]), int(attempt)


def _outputs(launch: dict[str, Any]) -> list[str]:
    found = (*launch["output_parameters"], *launch["output_artifacts"])
    return [one["path"] for one in found]


def _exists(path: str) -> bool:
    return Path(path).exists()


def _read(path: str) -> str:
    return Path(path).read_text()


def _write(path: str, body: bytes) -> None:
    Path(path).write_bytes(body)


# -- how the executor starts them ------------------------------------------------------------------


def _posix_spawn(*_: Any, file_actions: list[tuple[int, int, int]], **__: Any) -> int:
    control = sockets.end_of(file_actions[0][1])
    host = host_of_process()
    child = host.start("forks", lambda me: serve_forks(host, me, control))
    control.hold(child.process)
    host.loop.descriptors[child.id.pid] = child.ended
    return child.id.pid


def _kill(pid: int, number: int) -> None:
    found = host_of_process().processes.get(pid)
    if found is None:
        raise ProcessLookupError(3, "No such process")
    found.process.kill()


OS = {
    "posix_spawn": _posix_spawn,
    "pidfd_open": lambda pid: pid,
    "close": lambda descriptor: None,
    "kill": _kill,
    "waitpid": lambda pid, options: (pid, 0),
}
"""What replaces names of `os` where the fork server is started."""

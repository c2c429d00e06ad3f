"""A machine: its processes, the locks on its files, and the programs that the executor starts.

The fork server and the launchers speak the protocol of `headrace_launcher.fork_server` and read
and write the real launch files and manifests. A step is a command that takes some time and then
writes the number of its execution to each of its outputs.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from headrace_executor.backends.process.pids import ProcessId
from headrace_executor.core.launch import LAUNCH_ID_VARIABLE

from tests.simulation import sockets
from tests.simulation.clock import chance, now
from tests.simulation.loop import PROCESS, Process, SimulatedLoop
from tests.simulation.sockets import End
from tests.support.memory.objects import MemoryBucket, MemoryObjects

_IDLE_SECONDS = 60.0
_LAUNCHES = 100
_FORK_SECONDS = 0.004
_SERVER_SECONDS = 0.04


@dataclass(slots=True, eq=False)
class Execution:
    """One start of a step's command."""

    number: int
    run_id: UUID
    task_id: UUID
    attempt: int
    host: Host
    command: OsProcess
    end: str | None = None
    """``succeeded``, ``failed`` or ``killed``."""
    has_result: bool = False
    """Whether its launcher has left the manifest."""

    def __str__(self) -> str:
        return f"execution {self.number} of attempt {self.attempt} of task {str(self.task_id)[:8]}"


class Watcher(Protocol):
    """Who is told what happens on the machines."""

    def note(self, who: str, what: str) -> None:
        """Something happened."""
        ...

    def moment(self, name: str, host: Host) -> None:
        """A moment has come at which a fault is worst: ``launch`` or ``result``."""
        ...

    def next_execution(self) -> int:
        """The number of the next execution."""
        ...

    def execution_started(self, execution: Execution, inputs: dict[str, str]) -> None:
        """A command has started, with these contents of its inputs."""
        ...


@dataclass(slots=True, eq=False)
class OsProcess:
    """A process that the executor, or one of its children, has started."""

    id: ProcessId
    process: Process
    env: dict[str, str] = field(default_factory=dict)
    stderr: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Host:
    """One machine."""

    def __init__(
        self, name: str, folder: Path, loop: SimulatedLoop, watcher: Watcher, bucket: MemoryBucket
    ) -> None:
        self.name = name
        self.folder = folder
        self.processes: dict[int, OsProcess] = {}
        self.locks: dict[int, Process] = {}
        self.objects = MemoryObjects(bucket)
        self.executions: list[Execution] = []
        self.watcher = watcher
        self._loop = loop
        self._pids = 100

    def start(
        self, kind: str, program: Callable[[OsProcess], Any], env: dict[str, str] | None = None
    ) -> OsProcess:
        """Start a program as a process."""
        self._pids += 1
        pid = self._pids
        process = Process(f"{self.name}/{kind}-{pid}", self._loop, self)
        made = OsProcess(ProcessId(pid, pid), process, dict(env or {}))
        self.processes[pid] = made

        def end() -> None:
            self.processes.pop(pid, None)
            made.ended.set()

        process.when_ended = end
        process.start(program(made))
        return made

    def find(self, identity: ProcessId) -> OsProcess | None:
        """The process, if it runs."""
        found = self.processes.get(identity.pid)
        return found if found is not None and not found.process.is_dead else None

    def kill_all(self) -> None:
        """The machine loses its power."""
        for one in list(self.processes.values()):
            one.process.kill()

    # -- the programs --------------------------------------------------------------------------

    async def serve_forks(self, me: OsProcess, control: End) -> None:
        """The fork server."""
        while True:
            ends = await control.receive(_IDLE_SECONDS)
            if ends is None:
                return
            await asyncio.sleep(_FORK_SECONDS)
            (channel,) = ends
            launcher = self.start("launcher", lambda me: self.launch_steps(me, channel))
            channel.hold(launcher.process)
            sockets.landed(channel)

    async def launch_steps(self, me: OsProcess, channel: End) -> None:
        """A launcher: one launch after another from its channel."""
        sockets.at_end_of_process(lambda: channel.release(me.process))
        asked_to_stop = asyncio.Event()
        for _ in range(_LAUNCHES):
            me.process.handlers.pop(signal.SIGTERM, None)
            line = await channel.receive(_IDLE_SECONDS)
            if line is None:
                return
            request = json.loads(line)
            self.watcher.moment("launch", self)
            asked_to_stop.clear()
            me.process.handlers[signal.SIGTERM] = asked_to_stop.set
            me.stderr = request["stderr"]
            try:
                Path(me.stderr).write_bytes(b"")
            except OSError as error:
                self.watcher.note(me.process.name, f"cannot open its log: {error.strerror}")
                return
            answer = {"pid": me.id.pid, "start_time": me.id.start_time}
            channel.peer.put(json.dumps(answer).encode() + b"\n")
            await asyncio.sleep(chance().choice((0, 0.001, 0.02)))
            try:
                await self._run_step(me, request["launch"], asked_to_stop)
            except OSError as error:
                self.watcher.note(me.process.name, f"failed: {error}")
                return
            channel.peer.put(b'{"ended": true}\n')

    async def _run_step(self, me: OsProcess, path: str, asked_to_stop: asyncio.Event) -> None:
        """`headrace_launcher.step.run`."""
        launch = json.loads(Path(path).read_text())
        manifest = {"v": 1, "launch_id": launch["launch_id"], "started_at": now().isoformat()}
        for folder in (*launch["dirs"], *(os.path.dirname(p) for p in _outputs(launch))):
            os.makedirs(folder, exist_ok=True)
        inputs = {}
        for artifact in launch["inputs"]:
            for file in artifact["files"]:
                content = await self._patiently(self.objects.get, file["url"].partition(":")[2])
                inputs[artifact["name"]] = content.decode()
        execution = self._start_command(launch, inputs)
        command = execution.command
        ending = asyncio.ensure_future(command.ended.wait())
        stopping = asyncio.ensure_future(asked_to_stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not command.ended.is_set():
            command.process.kill()
            await command.ended.wait()
        stopping.cancel()
        failure = None
        if asked_to_stop.is_set():
            failure = {"code": "CANCELED", "message": "the step was canceled"}
        elif execution.end != "succeeded":
            failure = {"code": "COMMAND_FAILED", "message": f"the command {execution.end}"}
        manifest |= {"state": "FAILED" if failure else "SUCCEEDED", "failure": failure}
        if failure is None:
            manifest |= await self._collect(launch)
        manifest["finished_at"] = now().isoformat()
        result = Path(launch["result"]["path"])
        body = json.dumps(manifest).encode()
        try:
            result.with_suffix(".part").write_bytes(body)
            result.with_suffix(".part").rename(result)
        except OSError as error:
            self.watcher.note(me.process.name, f"cannot write its manifest: {error.strerror}")
            await self._patiently(self.objects.put, launch["result"]["key"], body)
        execution.has_result = True
        self.watcher.moment("result", self)

    async def _collect(self, launch: dict[str, Any]) -> dict[str, Any]:
        parameters = {
            one["name"]: Path(one["path"]).read_text() for one in launch["output_parameters"]
        }
        artifacts = {}
        for one in launch["output_artifacts"]:
            content = Path(one["path"]).read_bytes()
            await asyncio.sleep(chance().uniform(0, 0.02))
            await self._patiently(self.objects.put, one["key"], content)
            found = {"name": one["name"], "uri": one["uri"], "type": one["type"]}
            found["content"] = {"kind": "file", "bytes": len(content), "files": 1}
            artifacts[one["name"]] = [found]
        return {"parameters": parameters, "artifacts": artifacts}

    async def _patiently(self, call: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            try:
                return await call(*arguments)
            except Exception as error:
                self.watcher.note(self.name, f"a launcher waits: {error}")
                await asyncio.sleep(0.5)

    def _start_command(self, launch: dict[str, Any], inputs: dict[str, str]) -> Execution:
        run_id, task_id, attempt = identity_of(launch["launch_id"])
        number = self.watcher.next_execution()

        async def command(me: OsProcess) -> None:
            await asyncio.sleep(float(launch["argv"][1]))
            if chance().random() < float(launch["argv"][2]):
                execution.end = "failed"
                return
            try:
                for path in _outputs(launch):
                    Path(path).write_text(str(number))
                    await asyncio.sleep(chance().uniform(0, 0.005))
            except OSError as error:
                self.watcher.note(str(execution), f"lost its folder: {error}")
                execution.end = "failed"
                return
            execution.end = "succeeded"

        started = self.start("step", command, launch["env"])
        execution = Execution(number, run_id, task_id, attempt, self, started)
        ended = started.process.when_ended

        def end() -> None:
            execution.end = execution.end or "killed"
            self.watcher.note(str(execution), execution.end)
            ended()

        started.process.when_ended = end
        values = dict(zip(launch["argv"][3::2], launch["argv"][4::2], strict=True))
        self.watcher.execution_started(execution, values | inputs)
        return execution


def identity_of(launch_id: str) -> tuple[UUID, UUID, int]:
    """Run, task and attempt; what follows distinguishes executions of the attempt."""
    attempt = launch_id[74:].partition("-")[0]
    return UUID(launch_id[:36]), UUID(launch_id[37:73]), int(attempt)


def _outputs(launch: dict[str, Any]) -> list[str]:
    found = (*launch["output_parameters"], *launch["output_artifacts"])
    return [one["path"] for one in found]


# -- what replaces the operating system for the executor -------------------------------------------


def _host() -> Host:
    process = PROCESS.get()
    assert process is not None
    host: Host = process.host
    return host


async def _wait_for_end(identity: ProcessId) -> None:
    found = _host().find(identity)
    if found is not None:
        await found.ended.wait()


def _send(identity: ProcessId, number: signal.Signals) -> None:
    found = _host().find(identity)
    if found is None:
        return
    if number == signal.SIGKILL:
        found.process.kill()
    else:
        found.process.terminate()


def _find_by_stderr(path: str) -> ProcessId | None:
    if not os.path.exists(path):
        return None
    running = _host().processes.values()
    found = [p.id for p in running if p.stderr == path and not p.process.is_dead]
    return min(found, key=lambda one: one.start_time, default=None)


def _kill_marked(name: str, value: str) -> None:
    for one in list(_host().processes.values()):
        if one.env.get(name) == value:
            one.process.kill()


PIDS = {
    "is_alive": lambda identity: _host().find(identity) is not None,
    "wait_for_end": _wait_for_end,
    "send": _send,
    "find_by_stderr": _find_by_stderr,
    "kill_marked": _kill_marked,
}
"""What replaces names of `pids`."""


class _Child:
    """`asyncio.subprocess.Process`."""

    def __init__(self, child: OsProcess) -> None:
        self._child = child

    async def wait(self) -> int:
        await self._child.ended.wait()
        return 0

    def kill(self) -> None:
        self._child.process.kill()


async def _create_subprocess_exec(*_: Any, stdin: int, **__: Any) -> _Child:
    control = sockets.end_of(stdin)
    host = _host()
    child = host.start("forks", lambda me: host.serve_forks(me, control))
    control.hold(child.process)
    sockets_end = child.process.when_ended

    def end() -> None:
        control.release(child.process)
        sockets_end()

    child.process.when_ended = end
    await asyncio.sleep(_SERVER_SECONDS)
    return _Child(child)


STREAMS = {
    "create_subprocess_exec": _create_subprocess_exec,
    "open_unix_connection": sockets.open_unix_connection,
}
"""What replaces names of `asyncio`."""


def flock(descriptor: int, operation: int) -> None:
    """`fcntl.flock`, which the death of a process ends."""
    host, process = _host(), PROCESS.get()
    assert process is not None
    inode = os.fstat(descriptor).st_ino
    holder = host.locks.get(inode)
    if holder is not None and not holder.is_dead:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    host.locks[inode] = process


assert LAUNCH_ID_VARIABLE

"""A machine: its processes and the locks on its files."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from headrace_executor.backends.process.pids import ProcessId

from tests.simulation.loop import PROCESS, Process, SimulatedLoop
from tests.support.memory.objects import MemoryBucket, MemoryObjects


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
    files: set[str] = field(default_factory=set)
    """The files that it has open."""
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
        self.loop = loop
        self._pids = 100

    def start(
        self, kind: str, program: Callable[[OsProcess], Any], env: dict[str, str] | None = None
    ) -> OsProcess:
        """Start a program as a process."""
        self._pids += 1
        pid = self._pids
        process = Process(f"{self.name}/{kind}-{pid}", self.loop, self)
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


# -- what replaces the operating system for the executor -------------------------------------------


def host_of_process() -> Host:
    """The machine of the process that runs."""
    process = PROCESS.get()
    assert process is not None
    host: Host = process.host
    return host


async def _wait_for_end(identity: ProcessId) -> None:
    found = host_of_process().find(identity)
    if found is not None:
        await found.ended.wait()


def _send(identity: ProcessId, number: signal.Signals) -> None:
    found = host_of_process().find(identity)
    if found is None:
        return
    if number == signal.SIGKILL:
        found.process.kill()
    else:
        found.process.terminate()


async def _end(is_meant: Callable[[OsProcess], bool]) -> None:
    host = host_of_process()
    while found := [one for one in host.processes.values() if is_meant(one)]:
        for one in found:
            one.process.kill()
        await asyncio.sleep(0.02)


async def _end_marked(owner: str, name: str, value: str) -> None:
    def is_meant(one: OsProcess) -> bool:
        return f"{one.env.get(name, '')}-".startswith(f"{value}-")

    await _end(is_meant)


async def _end_users(path: str) -> None:
    await _end(lambda one: path in one.files)


PIDS = {
    "is_alive": lambda identity: host_of_process().find(identity) is not None,
    "wait_for_end": _wait_for_end,
    "send": _send,
    "end_marked": _end_marked,
    "end_users": _end_users,
}
"""What replaces names of `pids`."""


def flock(descriptor: int, operation: int) -> None:
    """`fcntl.flock`, which the death of a process ends."""
    host, process = host_of_process(), PROCESS.get()
    assert process is not None
    inode = os.fstat(descriptor).st_ino
    holder = host.locks.get(inode)
    if holder is not None and not holder.is_dead:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    host.locks[inode] = process

"""Starts the servers and services, looks after their health, and stops them in order.

Invariant: one supervisor holds the data folder's lock. It writes ``run/state.json``, which the
other commands read. Before it starts anything, it ends the servers and services that a crashed
predecessor left; steps continue, and the executor finds them again. Once it has started, only a
signal ends it: whatever is short or away, it waits and tries again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from headrace_local import groups, processes, programs, setup, steps
from headrace_local.child import Child
from headrace_local.data import OTHER_SUPERVISOR, SERVICES, Data, DataError, write_json
from headrace_local.health import disk, rules
from headrace_local.health.checks import Checks
from headrace_local.health.rules import Observation, Verdict
from headrace_local.state_file import StateFile

_LOCK_SECONDS = 2.0
"""A command that asks whether a supervisor runs holds the lock for a moment."""
_LONGEST_WAIT_SECONDS = 5.0
_STEPS_END_SECONDS = 5.0
_POLL_SECONDS = 0.01
_TOGETHER_SECONDS = 0.2
"""Checks that are due within this time are made together, so that the process wakes up once."""
_ORPHANS_EVERY_SECONDS = 5.0
_VERSION = version("headrace-local")
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class Supervisor:
    """One running deployment."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._children: dict[str, Child] = {}
        self._state_file = StateFile(data.state_path)
        self._group: Path | None = None
        self._gateway_url: str | None = None
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        self._roles_created = False
        self._was_ready = False
        self._next_orphans = 0.0
        self._started = processes.start_time(os.getpid())
        self._stop = False
        self._failure: str | None = None
        self._disk = disk.Space(data.path)
        self._wake = asyncio.Event()
        self._checks: set[asyncio.Task[None]] = set()

    def run(self) -> int:
        """Run until a signal asks to stop; returns the exit status."""
        lock = _wait_for_lock(self._data)
        if lock is None:
            say("another supervisor uses this data folder")
            return OTHER_SUPERVISOR
        with lock:
            if not self._data.is_ours():  # a `reset` has deleted it meanwhile
                self._fail(f"the data folder {self._data.path} is gone")
                return 1
            processes.adopt_orphans()
            asyncio.run(self._run())
        return 1 if self._failure else 0

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _STOPPING:
            loop.add_signal_handler(number, self._request_stop)
        loop.add_signal_handler(signal.SIGCHLD, self._wake.set)
        loop.add_signal_handler(signal.SIGHUP, self._wake.set)  # no terminal is its own
        known = self._data.state()
        self._group = groups.join(self._data.path, known.get("group"))
        self._write_state("starting")  # so that `headrace down` finds this process
        try:
            _end_leftovers(known)
            self._start_all()
        except (setup.SetupError, DataError, OSError) as error:
            self._fail(str(error))
        else:
            await self._look_after()
        self._write_state("stopping")
        await self._shut_down()

    def _fail(self, why: str) -> None:
        self._failure = why
        say(why)

    def _request_stop(self) -> None:
        self._stop = True
        self._wake.set()

    def _start_all(self) -> None:
        data = self._data
        ports, secrets = data.ports(), data.secrets()
        (data.path / "steps").mkdir(exist_ok=True)
        self._ports, self._secrets = ports, secrets
        self._gateway_url = f"http://127.0.0.1:{ports['ui_gateway']}"
        for program in (programs.nats(data, ports, secrets), programs.s3(data, ports, secrets)):
            self._add(program)
        for name in SERVICES:
            self._add(programs.service(name, data, ports, secrets))
        setup.prepare_postgres(data, secrets)
        self._add(programs.postgres(data, ports))
        write_json(
            data.connection,
            {
                "gateway_url": self._gateway_url,
                "token": secrets["owner_token"],
                "nats_url": f"nats://program:{secrets['program']}@127.0.0.1:{ports['nats']}",
            },
        )

    def _add(self, program: programs.Program) -> None:
        child = Child(program, self._data.logs / f"{program.name}.log", say)
        self._children[program.name] = child
        child.start(time.monotonic())

    async def _look_after(self) -> None:
        """Restart what has ended or is unhealthy, until a signal asks to stop."""
        checks = Checks(self._data, self._ports, self._secrets)
        while not self._stop:
            self._wake.clear()
            now = time.monotonic()
            if not self._data.is_ours():
                self._fail(f"the data folder {self._data.path} is gone")
                return
            if self._disk.look():  # there is space again: start at once what waits for it
                self._start_waiting(now)
            for child in self._children.values():
                self._advance(child, now, checks)
            processes.reap_orphans(self._own_pids())
            self._end_orphans(now)
            self._write_state(self._overall(now))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause(time.monotonic())):
                    await self._wake.wait()

    def _advance(self, child: Child, now: float, checks: Checks) -> None:
        """Take the next step with a child: start, kill, or check it."""
        child.collect_end(now)
        child.kill_if_late(now)
        if child.process is None:
            if now >= child.due:
                self._start(child, now)
        elif not child.is_checked and now >= child.next_check - _TOGETHER_SECONDS:
            child.is_checked = True
            task = asyncio.get_running_loop().create_task(self._check(child, checks))
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)

    def _start(self, child: Child, now: float) -> None:
        if child.name == "postgres":
            try:
                setup.prepare_postgres(self._data, self._secrets)
            except (setup.SetupError, OSError) as error:
                say(f"postgres: cannot prepare its start: {error}")
        child.start(now)

    async def _check(self, child: Child, checks: Checks) -> None:
        process = child.process
        assert process is not None
        try:
            seen = await checks.observe(child.program, process.pid)
        except Exception as error:  # of a client library, or for want of a file descriptor
            seen = Observation(Verdict.NOT_READY, f"it cannot be checked: {error!r}")
        finally:
            child.is_checked = False
        if child.process is not process:
            self._wake.set()
            return
        if child.name == "postgres" and seen == rules.HEALTHY:
            seen = self._with_roles(seen)
        was_ready, now = child.is_ready, time.monotonic()
        child.observe(seen, now, excused=self._is_excused(child))
        if child.is_ready and not was_ready and child.name not in SERVICES:
            self._start_waiting(now)
        if not was_ready or seen != rules.HEALTHY:
            self._wake.set()

    def _with_roles(self, seen: Observation) -> Observation:
        """Create the roles of the services when Postgres accepts connections for the first time."""
        if not self._roles_created:
            try:
                setup.create_roles(self._data, self._ports["postgres"], self._secrets)
            except setup.SetupError as error:
                return Observation(Verdict.FAILING, str(error))
            self._roles_created = True
        return seen

    def _is_excused(self, child: Child) -> bool:
        """Whether the disk, or a server that a service needs, is known to be at fault."""
        servers = (one for one in self._children.values() if one.name not in SERVICES)
        return self._disk.is_full or (
            child.name in SERVICES and not all(server.is_ready for server in servers)
        )

    def _start_waiting(self, now: float) -> None:
        """Start at once what has ended, since what it needs is back."""
        for child in self._children.values():
            child.due = min(child.due, now)
        self._wake.set()

    def _pause(self, now: float) -> float:
        """Seconds until there is something to do, unless a child ends or a check has a result."""
        times = [now + _LONGEST_WAIT_SECONDS]
        for child in self._children.values():
            if child.process is None:
                times.append(child.due)
            elif child.kill_at is not None and child.kill_at > now:
                times.append(child.kill_at)
            elif not child.is_checked:
                times.append(child.next_check)
        return max(0.0, min(times) - now)

    def _own_pids(self) -> set[int]:
        return {child.process.pid for child in self._children.values() if child.process}

    def _end_orphans(self, now: float) -> None:
        """End what steps have left behind: such a process becomes a child of this one when its
        launcher is killed. Launchers and their fork server go on without their executor."""
        if now < self._next_orphans:
            return
        self._next_orphans = now + _ORPHANS_EVERY_SECONDS
        own = self._own_pids()
        for pid in processes.children(os.getpid()):
            if pid not in own and not _is_of_launcher(pid):
                processes.kill(pid, signal.SIGKILL)

    def _overall(self, now: float) -> str:
        """The state of the deployment as a whole."""
        if self._disk.is_full:
            return "disk full"
        ready = all(child.is_ready for child in self._children.values())
        looping = any(rules.is_loop(child.restarts, now) for child in self._children.values())
        if ready and not looping:
            self._was_ready = True
            return "ready"
        return "healing" if self._was_ready else "starting"

    def _write_state(self, state: str) -> None:
        now = time.monotonic()
        problems = [self._disk.problem(), *(c.problem(now) for c in self._children.values())]
        self._state_file.write(
            {
                "state": state,
                "version": _VERSION,
                "supervisor": os.getpid(),
                "supervisor_started": self._started,
                "group": str(self._group) if self._group else None,
                "failure": self._failure,
                "gateway_url": self._gateway_url,
                "problems": [problem for problem in problems if problem],
                "processes": {
                    name: child.state(self._ports[name]) for name, child in self._children.items()
                },
            }
        )

    async def _shut_down(self) -> None:
        """Stop the services, then the steps, then the servers that they need."""
        for task in list(self._checks):
            task.cancel()
        await self._end([child for name, child in self._children.items() if name in SERVICES])
        await asyncio.to_thread(steps.stop, self._data, self._besides_servers())
        await self._end_steps()
        await self._end([child for name, child in self._children.items() if name not in SERVICES])
        groups.remove(self._group)
        self._children.clear()
        self._group = None
        self._write_state("stopped")

    async def _end(self, children: list[Child]) -> None:
        for child in children:
            child.stop(time.monotonic())
        while any(child.process and child.process.poll() is None for child in children):
            for child in children:
                child.kill_if_late(time.monotonic())
            await asyncio.sleep(_POLL_SECONDS)

    async def _end_steps(self) -> None:
        """Kill every process but the servers, until none is left: by the environment, as a
        descendant, and by the group."""
        deadline = time.monotonic() + _STEPS_END_SECONDS
        while time.monotonic() < deadline:
            processes.reap_orphans(self._own_pids())
            left = self._besides_servers()
            if not left:
                return
            for pid in left:
                processes.kill(pid, signal.SIGKILL)
            await asyncio.sleep(_POLL_SECONDS)

    def _besides_servers(self) -> set[int]:
        """The processes of the deployment, but the servers and what they have started."""
        servers = self._own_pids()
        servers |= {pid for server in servers for pid in processes.descendants(server)}
        return {
            *processes.of_deployment(self._data.path, self._group),
            *processes.descendants(os.getpid()),
        } - servers


def _wait_for_lock(data: Data) -> IO[str] | None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while (lock := data.lock()) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return lock


def _end_leftovers(known: dict[str, Any]) -> None:
    """End the servers and services that a crashed predecessor left."""
    leftovers = {
        entry["pid"]: entry["pid_started"]
        for entry in known.get("processes", {}).values()
        if entry.get("pid") and processes.start_time(entry["pid"]) == entry["pid_started"]
    }
    for pid in leftovers:
        processes.kill(pid, signal.SIGKILL)
    processes.wait_until_ended(leftovers, 5)


def _is_of_launcher(pid: int) -> bool:
    """Whether this is a launcher or the fork server, whose command line launchers share."""
    line = processes.command_line(pid)
    return len(line) > 1 and line[-1] == "--serve" and line[-2].endswith("headrace_launcher")


def say(text: str) -> None:
    """Write a line to the supervisor's log, if the disk has space for it."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
        sys.stderr.flush()


def main() -> None:
    """``python -m headrace_local.supervisor --data DIR``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    sys.exit(Supervisor(Data(parser.parse_args().data)).run())


if __name__ == "__main__":
    main()

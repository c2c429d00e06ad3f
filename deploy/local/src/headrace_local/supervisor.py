"""Starts the servers and services, restarts them when they end, and stops them in order.

Invariant: one supervisor holds the data folder's lock. It writes ``run/state.json``, which the
other commands read. Before it starts anything, it ends the servers and services that a crashed
predecessor left; steps continue, and the executor finds them again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headrace_local import processes, programs, setup, steps
from headrace_local.bucket import has_bucket
from headrace_local.data import SERVICES, Data, DataError, write_json
from headrace_local.programs import Program

_STARTING_POLL_SECONDS = 0.02
_READY_POLL_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 5.0
_STABLE_SECONDS = 10.0
_START_TIMEOUT_SECONDS = 60.0
_LARGE_LOG_BYTES = 20 * 1024 * 1024


@dataclass(slots=True)
class Child:
    """A program and its current process."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    pid_started: int | None = None
    started: float = 0.0
    ready: bool = False
    restarts: int = 0
    backoff: float = _FIRST_BACKOFF_SECONDS
    due: float = field(default=0.0)
    next_check: float = 0.0


class Supervisor:
    """One running deployment."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._stop = False
        self._children: dict[str, Child] = {}
        self._roles_created = False
        self._failure: str | None = None
        self._written_state: object = None

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        lock = self._data.lock()
        if lock is None:
            sys.stderr.write("another supervisor uses this data folder\n")
            return 3
        with lock, _signals() as signals:
            try:
                self._end_leftovers()
                # So that `headrace down` finds this process while the servers are being set up.
                write_json(
                    self._data.run / "state.json", {"state": "starting", "supervisor": os.getpid()}
                )
                self._start_all()
                self._loop(signals)
            except (setup.SetupError, DataError, OSError) as error:
                self._failure = str(error)
                sys.stderr.write(f"{error}\n")
            self._shut_down()
        return 1 if self._failure else 0

    def _request_stop(self, *_: object) -> None:
        self._stop = True

    def _end_leftovers(self) -> None:
        """End the servers and services that a crashed predecessor left."""
        known = self._data.state()
        leftovers = {
            entry["pid"]: entry["pid_started"]
            for entry in known.get("processes", {}).values()
            if entry.get("pid") and processes.start_time(entry["pid"]) == entry["pid_started"]
        }
        for pid in leftovers:
            processes.kill(pid, signal.SIGKILL)
        processes.wait_until_ended(leftovers, 5)

    def _start_all(self) -> None:
        data = self._data
        ports, secrets = data.ports(), data.secrets()
        (data.path / "steps").mkdir(exist_ok=True)
        self._ports, self._secrets = ports, secrets
        for program in (programs.nats(data, ports, secrets), programs.s3(data, ports, secrets)):
            self._start(Child(program))
        for name in SERVICES:
            self._start(Child(programs.service(name, data, ports, secrets)))
        setup.prepare_postgres(data, secrets)
        self._start(Child(programs.postgres(data, ports)))
        write_json(
            data.connection,
            {
                "gateway_url": f"http://127.0.0.1:{ports['ui_gateway']}",
                "token": secrets["owner_token"],
                "nats_url": f"nats://program:{secrets['program']}@127.0.0.1:{ports['nats']}",
            },
        )

    def _start(self, child: Child) -> None:
        name = child.program.name
        log = self._data.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > _LARGE_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        child.process = processes.start(child.program, log)
        child.pid_started = processes.start_time(child.process.pid)
        child.started = time.monotonic()
        child.ready = False
        child.next_check = 0.0
        self._children[name] = child

    def _loop(self, signals: socket.socket) -> None:
        began = time.monotonic()
        was_ready = False
        while not self._stop:
            for child in list(self._children.values()):
                self._check(child)
            ready = self._all_ready()
            was_ready = was_ready or ready
            self._write_state("ready" if ready else "starting" if not was_ready else "healing")
            if not was_ready and time.monotonic() - began > _START_TIMEOUT_SECONDS:
                waiting = [name for name, child in self._children.items() if not child.ready]
                self._failure = self._not_ready(waiting)
                return
            # SIGCHLD ends the wait, so that a child that ended is noticed immediately.
            if select.select(
                [signals], [], [], _READY_POLL_SECONDS if ready else _STARTING_POLL_SECONDS
            )[0]:
                signals.recv(4096)

    def _all_ready(self) -> bool:
        return all(child.ready for child in self._children.values())

    def _not_ready(self, names: list[str]) -> str:
        log = self._data.logs / f"{names[0]}.log"
        lines = log.read_text(errors="replace").strip().splitlines()[-5:] if log.exists() else []
        return f"{', '.join(names)} did not become ready; {names[0]} last log lines: " + " | ".join(
            lines
        )

    def _check(self, child: Child) -> None:
        """Restart the program of a child when it is due, or see whether it ended or is ready."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._restart(child)
        elif (status := child.process.poll()) is not None:
            self._schedule_restart(child, status, now)
        elif not child.ready and now >= child.next_check:
            child.next_check = now + 0.05
            child.ready = self._is_ready(child)

    def _restart(self, child: Child) -> None:
        child.restarts += 1
        if child.program.name == "postgres":
            setup.prepare_postgres(self._data, self._secrets)
        self._start(child)

    def _schedule_restart(self, child: Child, status: int, now: float) -> None:
        """The pause doubles, unless the program ran for some time."""
        stable = now - child.started > _STABLE_SECONDS
        child.backoff = (
            _FIRST_BACKOFF_SECONDS if stable else min(_LONGEST_BACKOFF_SECONDS, child.backoff * 2)
        )
        sys.stderr.write(f"{child.program.name} exited with status {status}; restarting it\n")
        sys.stderr.flush()
        child.process, child.ready, child.due = None, False, now + child.backoff

    def _is_ready(self, child: Child) -> bool:
        name = child.program.name
        assert child.process is not None
        if name == "postgres":
            if not setup.is_ready(self._data, child.process.pid):
                return False
            if not self._roles_created:
                setup.create_roles(self._data, self._ports["postgres"], self._secrets)
                self._roles_created = True
            return True
        url = child.program.ready_url
        if url is None:
            return has_bucket(self._ports["s3"], self._secrets["s3"])
        return _responds(url)

    def _write_state(self, state: str) -> None:
        """Write ``run/state.json`` if the state has changed."""
        entries = {
            name: {
                "pid": child.process.pid if child.process else None,
                "pid_started": child.pid_started if child.process else None,
                "ready": child.ready,
                "restarts": child.restarts,
                "port": self._ports[name],
            }
            for name, child in self._children.items()
        }
        content = {
            "state": state,
            "supervisor": os.getpid(),
            "failure": self._failure,
            "gateway_url": f"http://127.0.0.1:{self._ports['ui_gateway']}",
            "processes": entries,
        }
        if content != self._written_state:
            write_json(self._data.run / "state.json", content)
            self._written_state = content

    def _shut_down(self) -> None:
        """Stop the services, then the steps, then the servers that they need."""
        self._end([name for name in SERVICES if name in self._children])
        servers = {
            child.process.pid
            for child in self._children.values()
            if child.process and child.process.poll() is None
        }
        steps.stop(self._data, self._pids_besides(servers))
        left = {pid: processes.start_time(pid) or 0 for pid in self._pids_besides(servers)}
        for pid in left:
            processes.kill(pid, signal.SIGKILL)
        processes.wait_until_ended(left, 3)
        self._end([name for name in self._children if name not in SERVICES])
        write_json(self._data.run / "state.json", {"state": "stopped", "failure": self._failure})

    def _pids_besides(self, servers: set[int]) -> list[int]:
        """The processes of the deployment that are not among the servers, nor started by them."""
        found = []
        for pid in processes.of_deployment(self._data.path):
            with contextlib.suppress(ProcessLookupError):
                if pid not in servers and os.getsid(pid) not in servers:
                    found.append(pid)
        return found

    def _end(self, names: list[str]) -> None:
        children = [self._children[name] for name in names]
        running = [
            (c.program, c.process) for c in children if c.process and c.process.poll() is None
        ]
        for program, process in running:
            process.send_signal(program.stop_signal)
        began = time.monotonic()
        for program, process in running:
            try:
                process.wait(max(0.0, began + program.stop_seconds - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that becomes readable when a signal arrives, such as SIGCHLD."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        sender.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(sender.fileno())
        try:
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=0.5) as response:  # noqa: S310  # loopback
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """``python -m headrace_local.supervisor --data DIR``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    sys.exit(Supervisor(Data(parser.parse_args().data)).run())


if __name__ == "__main__":
    main()

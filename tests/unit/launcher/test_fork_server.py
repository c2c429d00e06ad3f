"""The fork server and its launchers as processes, spoken to over their sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace_launcher import attempt_lock

from tests.support.launches import LAUNCHER, Objects, manifest, plan
from tests.support.waiting import until

DAEMON = """
import os, sys, time
if os.fork():
    os.wait()
    time.sleep(600)
os.setsid()
if os.fork():
    os._exit(0)
os.execve(sys.executable, [sys.executable, "-c", sys.argv[1]], {})
"""
"""Leaves a process that has left its group and its parent, and has cleaned its environment."""


class Server:
    """A fork server, and launches in a folder of its own."""

    def __init__(self, folder: Path, objects: Objects, inherited: tuple[int, ...] = ()) -> None:
        self.folder = folder
        self._objects = objects
        self._channels: list[socket.socket] = []
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", LAUNCHER, "--serve"],
                stdin=theirs.fileno(),
                pass_fds=inherited,
            )

    def fork(self) -> socket.socket:
        """The channel to a new launcher."""
        ours, theirs = socket.socketpair()
        self._channels.append(ours)
        with theirs:
            socket.send_fds(self.control, [b"+"], [theirs.fileno()])
        return ours

    def request(self, argv: tuple[str, ...], name: str = "1", execution: int = 1) -> dict[str, Any]:
        """A launch of an attempt with this name."""
        folder = self.folder / name / str(execution)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "launch.json").write_bytes(plan(folder, self._objects, argv).to_json())
        (folder.parent / "lock").touch()
        return {
            "launch": str(folder / "launch.json"),
            "lock": str(folder.parent / "lock"),
            "execution": execution,
            "stderr": str(folder / "launcher.err"),
        }

    def remove(self) -> None:
        """End it, and whatever it has."""
        for connection in (self.control, *self._channels):
            connection.close()
        if self.process.poll() is None:
            for pid in children(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(60)


@pytest.fixture
def server(tmp_path: Path, objects: Objects) -> Iterator[Server]:
    made = Server(tmp_path, objects)
    yield made
    made.remove()


def send(channel: socket.socket, request: dict[str, Any]) -> None:
    channel.sendall(json.dumps(request).encode() + b"\n")


def answer(channel: socket.socket) -> dict[str, Any] | None:
    """The next message, None at the end of the stream."""
    channel.settimeout(120)
    line = b""
    while not line.endswith(b"\n"):
        part = channel.recv(1)
        if not part:
            return None
        line += part
    message: dict[str, Any] = json.loads(line)
    return message


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


def running(text: str) -> list[int]:
    """The processes that have this text in their command line as an argument of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and text.encode() in (entry / "cmdline").read_bytes().split(
                b"\0"
            ):
                found.append(int(entry.name))
    return found


def opened(pid: int) -> dict[int, str]:
    """The descriptors of a process."""
    folder = Path(f"/proc/{pid}/fd")
    return {int(entry.name): os.readlink(entry) for entry in folder.iterdir()}


def test_a_launcher_that_is_killed_leaves_no_daemon_with_a_clean_environment(
    server: Server, tmp_path: Path
) -> None:
    mark = f"import time; time.sleep(600)  # {tmp_path}"
    channel = server.fork()
    send(channel, server.request((sys.executable, "-c", DAEMON, mark)))
    started = answer(channel)
    assert started is not None
    until(lambda: len(running(mark)) == 2)  # the command has it as an argument too
    os.kill(started["pid"], signal.SIGKILL)
    until(lambda: running(mark) == [])
    assert server.process.poll() is None
    other = server.fork()
    send(other, server.request(("true",), "2"))
    assert answer(other) is not None, "it goes on"


def test_a_server_whose_socket_is_closed_stays_for_its_launchers(
    server: Server, tmp_path: Path
) -> None:
    mark = f"import time; time.sleep(600)  # {tmp_path}"
    channel = server.fork()
    send(channel, server.request((sys.executable, "-c", DAEMON, mark)))
    started = answer(channel)
    assert started is not None
    server.control.close()
    channel.close()
    until(lambda: len(running(mark)) == 2)
    assert server.process.poll() is None
    os.kill(started["pid"], signal.SIGKILL)
    until(lambda: running(mark) == [])
    until(lambda: server.process.poll() is not None)


def test_a_server_without_launchers_ends_with_its_socket(server: Server) -> None:
    channel = server.fork()
    send(channel, server.request(("true",)))
    assert answer(channel) is not None
    assert answer(channel) == {"ended": True}
    server.control.close()
    channel.close()
    assert server.process.wait(120) == 0


def test_a_second_launcher_refuses_and_can_be_used_for_another_attempt(server: Server) -> None:
    one, two = server.fork(), server.fork()
    request = server.request(("sleep", "600"))
    send(one, request)
    started = answer(one)
    assert started is not None
    for execution in (1, 2):
        send(two, {**request, "execution": execution})
        refused = answer(two)
        assert refused is not None
        assert f"pid={started['pid']}, " in refused["refused"]
    send(two, server.request(("true",), "2"))
    assert answer(two) is not None
    assert answer(two) == {"ended": True}
    os.kill(started["pid"], signal.SIGKILL)
    assert answer(one) is None
    send(two, request)
    refused = answer(two)
    assert refused is not None, "the same execution is not started again"
    assert "last run by" in refused["refused"]


def test_a_launch_whose_client_is_gone_does_not_run(server: Server, tmp_path: Path) -> None:
    """The server was stopped while the request was sent, and the client gave up."""
    os.kill(server.process.pid, signal.SIGSTOP)
    channel = server.fork()
    request = server.request(("touch", str(tmp_path / "ran")))
    send(channel, request)
    channel.close()
    os.kill(server.process.pid, signal.SIGCONT)
    other = server.fork()  # by its answer the first launcher has been forked
    send(other, server.request(("true",), "2"))
    assert answer(other) is not None
    until(lambda: len(children(server.process.pid)) == 1)
    record, is_held = attempt_lock.read(request["lock"])
    assert not is_held
    assert record is None or not record.is_accepted
    assert not (tmp_path / "ran").exists()


def test_processes_have_no_descriptor_that_they_do_not_need(
    tmp_path: Path, objects: Objects
) -> None:
    """Although the server is started with one that is inherited."""
    extra = os.open(tmp_path, os.O_RDONLY)
    made = Server(tmp_path, objects, (extra,))
    os.close(extra)
    try:
        channel = made.fork()
        send(channel, made.request(("sleep", "600")))
        started = answer(channel)
        assert started is not None
        pid = started["pid"]
        (command,) = until(lambda: children(pid))
        until(lambda: Path(f"/proc/{command}/cmdline").read_bytes().endswith(b"sleep\x00600\x00"))
        server = opened(made.process.pid)
        sockets = [one for one in server.values() if one.startswith("socket:")]
        assert len(sockets) == 3, "its socket, and the pair that reports the end of children"
        assert sorted(set(server.values()) - set(sockets)) == sorted(
            {os.readlink(f"/proc/self/fd/{number}") for number in (1, 2)} | {os.devnull}
        )
        launcher = opened(pid)
        assert not set(sockets) & set(launcher.values())
        assert str(tmp_path) not in {*server.values(), *launcher.values()}
        assert len([one for one in launcher.values() if one.startswith("socket:")]) == 1
        files = {one for one in launcher.values() if one.startswith(str(tmp_path))}
        assert {Path(one).name for one in files} == {"launcher.err", "log.txt", "lock"}
        assert set(opened(command)) == {0, 1, 2}
        os.kill(pid, signal.SIGTERM)
        assert answer(channel) == {"ended": True}
        idle = opened(pid)
        assert set(idle.values()) == {os.devnull, next(v for v in idle.values() if "socket" in v)}
    finally:
        made.remove()


def test_an_idle_server_that_ends_closes_every_channel(server: Server, tmp_path: Path) -> None:
    """A request that it has not read fails at once: nobody else holds its socket."""
    channel = server.fork()
    send(channel, server.request(("true",)))
    started = answer(channel)
    assert started is not None
    assert answer(channel) == {"ended": True}
    os.kill(server.process.pid, signal.SIGKILL)  # its launcher lives
    server.process.wait(60)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        server.fork()
    os.kill(started["pid"], signal.SIGKILL)


def test_the_end_of_a_step_is_reported_with_its_execution(server: Server, tmp_path: Path) -> None:
    channel = server.fork()
    send(channel, server.request(("true",)))
    assert answer(channel) is not None
    assert answer(channel) == {"ended": True}
    assert manifest(tmp_path / "1" / "1").execution == 1

"""The executor's side of the launchers that the fork server forks.

Starting a Python process costs about 40 ms of a core. A fork of one that has everything imported
costs about 4 ms, with the pages that it copies and its end. So a launcher whose launch is over is
used for the next launch.

A launch may be sent to another launcher only if the one before is known not to have it: its channel
is at its end, without an answer. No answer in time is no such knowledge; then the lock of the
attempt decides (see `headrace_launcher.launcher`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace_runtime.errors import RetryableError

from headrace_executor.backends.process import pids
from headrace_executor.backends.process.fork_server import ForkServer
from headrace_executor.backends.process.pids import ProcessId

_ANSWER_SECONDS = 10.0
_PROGRESS_POLL_SECONDS = 1.0
"""How often the progress of a launch is read whose channel another executor had."""
_MAX_IDLE_LAUNCHERS = max(4, os.cpu_count() or 1)
"""Each idle launcher uses some MB."""
_PROGRESS = {"progress": True}
_FORKS_AT_ONCE = 16
"""The server forks one launcher after another. More requests would wait in its socket, which holds
some hundred, and the last of them might not be answered in time."""


class UnansweredError(RetryableError):
    """No launcher answered in time: the launch runs if the attempt's lock says so."""


class RefusedError(RetryableError):
    """A launcher, or the fork server, refused the launch."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a launcher is told about a launch."""

    launch_file: str
    lock: str
    execution: int
    launcher_log: str

    def message(self) -> bytes:
        """The request as a line of the channel's protocol."""
        message = {
            "launch": self.launch_file,
            "lock": self.lock,
            "execution": self.execution,
            "stderr": self.launcher_log,
        }
        return json.dumps(message).encode() + b"\n"


class LauncherChannel:
    """The connection to one launcher. The protocol is described in `headrace_launcher.launcher`."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._received = b""
        self._ended = False
        self.is_reusable = False
        self.progressed = asyncio.Event()
        """Set when the launcher has changed its progress file."""

    async def begin(self, request: Request) -> ProcessId | None:
        """Send a launch; None when the launcher ended without accepting it.

        Raises:
            UnansweredError: the launcher did not answer; the channel is closed.
            RefusedError: the launcher does not run it, and can be used for another one.
        """
        self._ended = self.is_reusable = False
        self.progressed.clear()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(self._socket, request.message())
                answer = await self._message()
        except TimeoutError:
            self.close()
            raise UnansweredError(f"no launcher answered in {_ANSWER_SECONDS:g} s") from None
        except ConnectionError:
            answer = None
        except BaseException:
            self.close()
            raise
        if answer is None:
            self.close()
            return None
        if "refused" in answer:
            self.is_reusable = True
            raise RefusedError(f"the launch was refused: {answer['refused']}")
        return ProcessId(answer["pid"], answer["start_time"])

    async def wait(self) -> None:
        """Return when the launch is over, or the launcher has ended. May be called repeatedly."""
        if not self._ended:
            try:
                while (message := await self._message()) == _PROGRESS:
                    self.progressed.set()
                self.is_reusable = message is not None
            except ConnectionError:
                self.is_reusable = False
            self._ended = True

    def close(self) -> None:
        """Close the channel: the launcher ends after its present launch. A launch that it has not
        accepted yet never runs, since its answer cannot be sent from now on."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    async def _message(self) -> dict[str, Any] | None:
        """The next message, None at the end of the stream."""
        while b"\n" not in self._received:
            part = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
            if not part:
                return None
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


class ForkClient:
    """Starts launches on launchers of one fork server, which is started on demand."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._server: ForkServer | None = None
        self._forking = asyncio.Semaphore(_FORKS_AT_ONCE)
        self._idle: list[LauncherChannel] = []
        self._busy: dict[str, LauncherChannel] = {}

    async def start(self, request: Request) -> ProcessId:
        """Have a launcher run this launch.

        Raises:
            UnansweredError: it is not known whether a launcher runs it.
            RetryableError: no launcher runs it.
        """
        while self._idle:
            process = await self._begin(self._idle.pop(), request)
            if process is not None:
                return process
        for _ in range(2):  # the server may have died, or become idle at this very moment
            process = await self._begin_on_new(request)
            if process is not None:
                return process
        raise RetryableError("no launcher could be started")

    async def _begin_on_new(self, request: Request) -> ProcessId | None:
        async with self._forking:
            if self._server is None:
                self._server = ForkServer(self._env)
            server = self._server
            try:
                process = await self._begin(LauncherChannel(await server.fork()), request)
            except UnansweredError:
                self._abandon(server)
                raise
        if process is None:
            self._abandon(server)
        return process

    async def _begin(self, launcher: LauncherChannel, request: Request) -> ProcessId | None:
        try:
            process = await launcher.begin(request)
        except RefusedError:
            self._keep(launcher)
            raise
        if process is not None:
            self._busy[request.launch_file] = launcher
        return process

    async def wait(self, launch_file: str, process: ProcessId) -> None:
        """Return when this launch is over, or its launcher has ended. The launcher may be one that
        an earlier executor started."""
        launcher = self._busy.get(launch_file)
        if launcher is None:
            await pids.wait_for_end(process)
        else:
            await launcher.wait()

    async def progress_changed(self, launch_file: str) -> None:
        """Return when the progress file of this launch may have changed. Only while `wait` is
        called is it known at once."""
        launcher = self._busy.get(launch_file)
        if launcher is None:
            await asyncio.sleep(_PROGRESS_POLL_SECONDS)
        else:
            await launcher.progressed.wait()
            launcher.progressed.clear()

    def release(self, launch_file: str) -> None:
        """Free the launcher for another launch. Whatever is sent to it from now on concerns that
        one, so nothing may be sent for this launch any more."""
        launcher = self._busy.pop(launch_file, None)
        if launcher is not None:
            self._keep(launcher)

    def _keep(self, launcher: LauncherChannel) -> None:
        if launcher.is_reusable and len(self._idle) < _MAX_IDLE_LAUNCHERS:
            self._idle.append(launcher)
        else:
            launcher.close()

    async def close(self) -> None:
        """End the server and the idle launchers; busy ones go on to the end of their step, and the
        server stays for them."""
        is_busy = bool(self._busy)
        for launcher in (*self._idle, *self._busy.values()):
            launcher.close()
        self._idle.clear()
        server, self._server = self._server, None
        if server is not None:
            server.close()
            if not is_busy:
                await server.wait()

    def _abandon(self, server: ForkServer) -> None:
        """Start another server for the next launch, unless another call has found this one dead."""
        if server is self._server:
            self._server = None
            server.kill()

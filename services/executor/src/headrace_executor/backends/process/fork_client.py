"""The executor's side of the fork server and of the launchers that it forks.

Starting a Python process costs about 40 ms of a core. A fork of one that has everything imported
costs about 4 ms, with the pages that it copies and its end. So a launcher whose launch is over is
used for the next launch. The server ends with its socket or when it is idle; a launcher that runs
a step goes on to the step's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import headrace_launcher
from headrace_runtime.errors import RetryableError

from headrace_executor.backends.process import pids
from headrace_executor.backends.process.pids import ProcessId

_ANSWER_SECONDS = 10.0
_PROGRESS_POLL_SECONDS = 1.0
"""How often the progress of a launch is read whose channel another executor had."""
_MAX_IDLE_LAUNCHERS = max(4, os.cpu_count() or 1)
"""Each idle launcher uses some MB."""
_PROGRESS = b'{"progress": true}\n'
_PACKAGE = str(Path(headrace_launcher.__file__).parent)


class LauncherChannel:
    """The connection to one launcher. The protocol is described in
    `headrace_launcher.fork_server`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ended = False
        self.is_reusable = False
        self.progressed = asyncio.Event()
        """Set when the launcher has changed its progress file."""

    async def begin(self, launch_file: str, launcher_log: str) -> ProcessId | None:
        """Send a launch; None when the launcher ended without accepting it.

        A launcher answers before it does anything for a launch. So one that does not answer in
        time, and whose channel is closed for it, does not run the launch.
        """
        request = {"launch": launch_file, "stderr": launcher_log}
        self._ended = self.is_reusable = False
        self.progressed.clear()
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = await self._reader.readline()
            answer = json.loads(line) if line else None
        except (TimeoutError, ConnectionError, json.JSONDecodeError):
            answer = None
        except asyncio.CancelledError:
            self.close()
            with contextlib.suppress(OSError):  # after this it either runs or never will
                await self._writer.wait_closed()
            raise
        if answer is None:
            self.close()
            return None
        return ProcessId(answer["pid"], answer["start_time"])

    async def wait(self) -> None:
        """Return when the launch is over, or the launcher has ended. May be called repeatedly."""
        if not self._ended:
            try:
                while (line := await self._reader.readline()) == _PROGRESS:
                    self.progressed.set()
                self.is_reusable = bool(line)
            except ConnectionError:
                self.is_reusable = False
            self._ended = True

    def close(self) -> None:
        """Close the channel: the launcher ends after its present launch."""
        self._writer.close()


class ForkClient:
    """Starts launches on launchers of one fork server, which is started on demand."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._starting = asyncio.Lock()
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._idle: list[LauncherChannel] = []
        self._busy: dict[str, LauncherChannel] = {}

    async def start(self, launch_file: str, launcher_log: str) -> ProcessId:
        """Have a launcher run this launch.

        Raises:
            RetryableError: no launcher answered.
        """
        while self._idle:
            process = await self._begin(self._idle.pop(), launch_file, launcher_log)
            if process is not None:
                return process
        for _ in range(2):  # the server may have died, or become idle at this very moment
            control = await self._server()
            process = await self._begin(await _forked(control), launch_file, launcher_log)
            if process is not None:
                return process
            await self._abandon_server(control)
        raise RetryableError("no launcher answered")

    async def _begin(
        self, launcher: LauncherChannel, launch_file: str, launcher_log: str
    ) -> ProcessId | None:
        process = await launcher.begin(launch_file, launcher_log)
        if process is not None:
            self._busy[launch_file] = launcher
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
        if launcher is None:
            return
        if launcher.is_reusable and len(self._idle) < _MAX_IDLE_LAUNCHERS:
            self._idle.append(launcher)
        else:
            launcher.close()

    async def close(self) -> None:
        """End the server and the idle launchers; busy ones go on to the end of their step."""
        for launcher in (*self._idle, *self._busy.values()):
            launcher.close()
        self._idle.clear()
        await self._abandon_server(self._control)

    async def _server(self) -> socket.socket:
        """The socket of a running server."""
        async with self._starting:
            if self._control is None:
                self._control, theirs = socket.socketpair()
                self._control.setblocking(False)
                with theirs:
                    self._process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-I",
                        "-S",
                        _PACKAGE,
                        "--serve",
                        stdin=theirs.fileno(),
                        stdout=asyncio.subprocess.DEVNULL,
                        env=self._env,
                        start_new_session=True,
                    )
            return self._control

    async def _abandon_server(self, control: socket.socket | None) -> None:
        """Close the server's socket and await its end, unless another call did so already."""
        if control is None or control is not self._control:
            return
        process, self._control, self._process = self._process, None, None
        control.close()
        if process is None:
            return
        try:
            await asyncio.wait_for(process.wait(), 2)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _forked(control: socket.socket) -> LauncherChannel:
    """The channel to a new launcher; if the server is dead, the channel is at its end."""
    ours, theirs = socket.socketpair()
    with theirs, contextlib.suppress(OSError):
        socket.send_fds(control, [b"+"], [theirs.fileno()])
    return LauncherChannel(*await asyncio.open_unix_connection(sock=ours))

"""The executor's side of the launchers: of the fork server that makes them, and their channels.

Starting a Python process costs some 40 ms of a core; a fork of one that has everything imported
some four, with the pages that it copies and its end. So a launcher whose launch is over is kept for
the next one. The server ends with its socket or when it is idle; launchers that run a step go on.
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
from headrace_executor.backends.port import Handle

_ANSWER_SECONDS = 10.0
_KEPT = max(4, os.cpu_count() or 1)
"""Launchers that wait for a launch; each has some MB of its own."""
_PACKAGE = str(Path(headrace_launcher.__file__).parent)


class Launcher:
    """One launcher, as its channel shows it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ended = False
        self.reusable = False

    async def begin(self, launch_file: str, launcher_log: str) -> Handle | None:
        """Have it run a launch; None when it has ended before it looked at it. If it does not
        answer, it is let go, and will not run the launch either: it answers first."""
        request = {"launch": launch_file, "stderr": launcher_log}
        self._ended = self.reusable = False
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = await self._reader.readline()
            answer = json.loads(line) if line else None
        except (TimeoutError, ConnectionError, json.JSONDecodeError):
            answer = None
        except asyncio.CancelledError:
            self.let_go()
            with contextlib.suppress(OSError):  # then it runs already, or never will
                await self._writer.wait_closed()
            raise
        if answer is None:
            self.let_go()
            return None
        return Handle(answer["pid"], answer["start_time"])

    async def wait(self) -> None:
        """Return when the launch is over, or the launcher; also when asked again."""
        if not self._ended:
            try:
                self.reusable = bool(await self._reader.readline())
            except ConnectionError:
                self.reusable = False
            self._ended = True

    def let_go(self) -> None:
        """Nothing is wanted of it any more: it ends when it has done what it does now."""
        self._writer.close()


class ForkServer:
    """Has launchers forked and hands launches to them; starts itself anew when it has died."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """`env` is the launchers' environment; their commands get one of their own."""
        self._env = dict(env)
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._turn = asyncio.Lock()
        self._busy: dict[str, Launcher] = {}
        self._free: list[Launcher] = []

    async def start(self, launch_file: str, launcher_log: str) -> Handle:
        """Have a launcher run this launch.

        Raises:
            RetryableError: no launcher answered.
        """
        while self._free:
            handle = await self._begin(self._free.pop(), launch_file, launcher_log)
            if handle is not None:
                return handle
        for _ in range(2):  # the server may have died, or go to rest in the moment of the question
            control = await self._running()
            handle = await self._begin(await _forked(control), launch_file, launcher_log)
            if handle is not None:
                return handle
            await self._give_up(control)
        raise RetryableError("no launcher answered")

    async def _begin(
        self, launcher: Launcher, launch_file: str, launcher_log: str
    ) -> Handle | None:
        handle = await launcher.begin(launch_file, launcher_log)
        if handle is not None:
            self._busy[launch_file] = launcher
        return handle

    async def wait(self, launch_file: str, handle: Handle) -> None:
        """Return when this launch is over, or its launcher, which may be a predecessor's."""
        launcher = self._busy.get(launch_file)
        if launcher is None:
            await pids.wait_for_end(handle)
        else:
            await launcher.wait()

    def release(self, launch_file: str) -> None:
        """The launch is over for everybody: whatever is said to its launcher from now on is meant
        for another launch."""
        launcher = self._busy.pop(launch_file, None)
        if launcher is None:
            return
        if launcher.reusable and len(self._free) < _KEPT:
            self._free.append(launcher)
        else:
            launcher.let_go()

    async def close(self) -> None:
        """End the server and the launchers that wait; what runs goes on to its end."""
        for launcher in (*self._free, *self._busy.values()):
            launcher.let_go()
        self._free.clear()
        await self._give_up(self._control)

    async def _running(self) -> socket.socket:
        """The socket of a server that runs."""
        async with self._turn:
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

    async def _give_up(self, control: socket.socket | None) -> None:
        """Let go of the server with this socket, unless that has happened already."""
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


async def _forked(control: socket.socket) -> Launcher:
    """A new launcher of the server with this socket; if the server is dead, so is the launcher."""
    ours, theirs = socket.socketpair()
    with theirs, contextlib.suppress(OSError):
        socket.send_fds(control, [b"+"], [theirs.fileno()])
    return Launcher(*await asyncio.open_unix_connection(sock=ours))

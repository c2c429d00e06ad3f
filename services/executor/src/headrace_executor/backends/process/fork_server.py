"""The fork server as a process: start it, have it fork, end it.

It ends by itself when this process has died and no launcher is left; see
`headrace_launcher.fork_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import headrace_launcher

_PACKAGE = str(Path(headrace_launcher.__file__).parent)
_END_SECONDS = 2.0
_DEAD = (BrokenPipeError, ConnectionResetError)


class ForkServer:
    """A running fork server. Not one of asyncio's subprocesses: they are killed together with this
    process, and those of uvloop inherit more descriptors than they are given."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        self._sending = asyncio.Lock()
        self._ended = asyncio.Event()
        with theirs:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", _PACKAGE, "--serve"],
                env,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
                setsid=True,
            )
        try:
            self._descriptor = os.pidfd_open(self._pid)
        except OSError:
            self._control.close()
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            raise
        asyncio.get_running_loop().add_reader(self._descriptor, self._reap)

    async def fork(self) -> socket.socket:
        """The channel to a new launcher; it is at its end if the server is dead.

        Raises:
            OSError: the machine is short of descriptors.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                async with self._sending:
                    await self._send(theirs)
        except _DEAD:
            return ours
        except BaseException:
            ours.close()
            raise
        return ours

    def close(self) -> None:
        """Have it end when its launchers have."""
        self._control.close()

    def kill(self) -> None:
        """End it at once. Its launchers go on."""
        self._control.close()
        if not self._ended.is_set():
            os.kill(self._pid, signal.SIGKILL)

    async def wait(self) -> None:
        """Return when it has ended, or does not end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._ended.wait()

    async def _send(self, channel: socket.socket) -> None:
        while True:
            try:
                socket.send_fds(self._control, [b"+"], [channel.fileno()])
                return
            except BlockingIOError:  # its socket is full
                await self._until_writable()

    async def _until_writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._control, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(self._control)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        os.waitpid(self._pid, 0)
        self._ended.set()

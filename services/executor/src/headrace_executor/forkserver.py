"""The executor's side of the launcher's fork server: a warm process that a step is forked from.

Starting a Python process costs some 40 ms of a core, a fork of one that has everything imported
about one. The server ends with its standard input or when it is idle; the launchers it has forked
go on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import headrace_launcher
from headrace_runtime.errors import RetryableError

from headrace_executor.ports import Handle

_ANSWER_SECONDS = 10.0
_PACKAGE = str(Path(headrace_launcher.__file__).parent)


class ForkServer:
    """Forks launchers; starts itself anew when it has died."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """`env` is the launchers' environment; their commands get one of their own."""
        self._env = dict(env)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def fork(self, launch_file: str, launcher_log: str) -> Handle:
        """Start a launcher for this launch file.

        Raises:
            RetryableError: the server died or did not answer.
        """
        request = {"launch": launch_file, "stderr": launcher_log}
        async with self._turn:
            line = await self._ask(request)
            if not line:  # it went to rest just now, before it read the request
                line = await self._ask(request)
            try:
                answer = json.loads(line)
            except json.JSONDecodeError as error:
                await self._give_up()
                raise RetryableError("the fork server died") from error
            return Handle(answer["pid"], answer["start_time"])

    async def _ask(self, request: Mapping[str, object]) -> bytes:
        """The server's answer, empty when it has ended without one."""
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        numbered = {**request, "id": next(self._numbers)}
        try:
            process.stdin.write(json.dumps(numbered).encode() + b"\n")
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), _ANSWER_SECONDS)
        except TimeoutError as error:
            await self._give_up()
            raise RetryableError("the fork server did not answer") from error
        except OSError:
            line = b""
        if not line:
            await self._give_up()
        return line

    async def close(self) -> None:
        """End the server; what it has forked goes on."""
        await self._give_up()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                _PACKAGE,
                "--serve",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._env,
                start_new_session=True,
            )
        return self._process

    async def _give_up(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2)
        except TimeoutError:
            process.kill()
            await process.wait()

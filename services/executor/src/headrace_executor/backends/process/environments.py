"""Environments for steps: one for each set of requirements, made once, then only used.

Invariant: an environment with its marker is complete. One without is a leftover of a crash and is
made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import platform
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace_executor.core.bootstrap import Install, RequirementSet

_UV = Path(sys.executable).parent / "uv"
_MARKER = ".complete"
_TIMEOUT_SECONDS = 15 * 60.0
"""Some packages are gigabytes; more than a quarter of an hour is a network that hangs."""
_SHOWN = 1500
_INTERPRETER = f"{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"
"""Environments of one kind of Python on one kind of machine can stand in for one another."""


class EnvironmentFailedError(Exception):
    """The packages could not be installed; the message holds the installer's last words."""


@dataclass(frozen=True, slots=True)
class StepEnvironment:
    """A virtual environment with a step's packages."""

    path: Path

    @property
    def bin_dir(self) -> Path:
        """What comes first in the step's PATH."""
        return self.path / "bin"


class EnvironmentStore:
    """The environments of one deployment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def has(self, requirements: RequirementSet) -> bool:
        """Whether nothing needs to be installed."""
        return (self._path(requirements) / _MARKER).exists()

    async def ensure(self, requirements: RequirementSet) -> StepEnvironment:
        """The environment with exactly these packages; a second caller waits for the first.

        Raises:
            EnvironmentFailedError: a package cannot be installed. The next call tries again.
        """
        path = self._path(requirements)
        if self.has(requirements):
            return StepEnvironment(path)
        async with self._locks[path.name]:
            if not self.has(requirements):
                await self._make(path, requirements)
        return StepEnvironment(path)

    def _path(self, requirements: RequirementSet) -> Path:
        return self._folder / requirements.digest(_INTERPRETER)

    async def _make(self, path: Path, requirements: RequirementSet) -> None:
        try:
            await self._make_locked(path, requirements)
        except OSError as error:
            message = f"the step's environment cannot be made: {error}"
            raise EnvironmentFailedError(message) from None

    async def _make_locked(self, path: Path, requirements: RequirementSet) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{path.name}.lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if self.has(requirements):
                return
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            await _uv("venv", "--seed", "--python", sys.executable, str(path))
            for install in requirements.installs:
                await _install(path, install)
            (path / _MARKER).touch()


async def _install(path: Path, install: Install) -> None:
    options = list(install.options)
    while "--trusted-host" in options:  # uv has another word for it
        options[options.index("--trusted-host")] = "--allow-insecure-host"
    if "--pre" in options:
        options[options.index("--pre")] = "--prerelease=allow"
    python = str(path / "bin" / "python")
    await _uv(
        "pip", "install", "--python", python, "--compile-bytecode", *options, *install.requirements
    )


async def _uv(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(_UV),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(os.environ),
        start_new_session=True,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _TIMEOUT_SECONDS)
    except TimeoutError:
        raise EnvironmentFailedError(f"uv {arguments[0]} took too long") from None
    finally:
        if process.returncode is None:  # and what it has started to build a package
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        words = said.decode(errors="replace").strip()[-_SHOWN:]
        raise EnvironmentFailedError(f"the step's packages cannot be installed: {words}")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """uv's environment; it reads no pip configuration, so what is set for pip is passed on."""
    env = {key: value for key, value in environ.items() if not key.startswith("HEADRACE_")}
    for pip_name, uv_name in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("PIP_CERT", "SSL_CERT_FILE"),
    ):
        if pip_name in env:
            env.setdefault(uv_name, env[pip_name])
    env.pop("VIRTUAL_ENV", None)
    return env

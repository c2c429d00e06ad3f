"""Virtual environments for steps: one for each set of requirements, created once and then shared.

Invariant: an environment with its marker is complete. One without was left by a crash and is
created again.
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
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headrace_executor.core.bootstrap import Install, RequirementSet

_UV = Path(sys.executable).parent / "uv"
_MARKER = ".complete"
_TIMEOUT_SECONDS = 15 * 60.0
"""Some packages are gigabytes; beyond this the network is taken to hang."""
_SHOWN_CHARACTERS = 1500
"""How much of the installer's output an error message holds."""
_INTERPRETER = f"{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"
"""An environment is usable by the same Python version on the same kind of machine."""


class EnvironmentFailedError(Exception):
    """The packages could not be installed; the message has the end of the installer's output."""


@dataclass(frozen=True, slots=True)
class StepEnvironment:
    """A virtual environment with a step's packages."""

    path: Path

    @property
    def bin_dir(self) -> Path:
        """The folder that comes first in the step's PATH."""
        return self.path / "bin"


class EnvironmentStore:
    """The environments of one deployment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def has(self, requirements: RequirementSet) -> bool:
        """Whether the environment exists already."""
        return (self._path(requirements) / _MARKER).exists()

    async def sweep(self) -> None:
        """Remove environments that a crash left half made. One that is being made is locked."""
        await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        for path in self._folder.glob("*.lock"):
            environment = path.with_suffix("")
            if not environment.exists() or (environment / _MARKER).exists():
                continue
            with path.open("w") as lock, contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not (environment / _MARKER).exists():
                    shutil.rmtree(environment, ignore_errors=True)

    async def ensure(self, requirements: RequirementSet) -> StepEnvironment:
        """The environment with exactly these packages, which is created if it does not exist. A
        second caller waits for the first.

        Raises:
            EnvironmentFailedError: a package cannot be installed. The next call tries again.
        """
        path = self._path(requirements)
        if self.has(requirements):
            return StepEnvironment(path)
        async with self._locks[path.name]:
            if not self.has(requirements):
                await self._create(path, requirements)
        return StepEnvironment(path)

    def _path(self, requirements: RequirementSet) -> Path:
        return self._folder / requirements.digest(_INTERPRETER)

    async def _create(self, path: Path, requirements: RequirementSet) -> None:
        try:
            await self._create_locked(path, requirements)
        except OSError as error:
            message = f"cannot create the step's Python environment: {error}"
            raise EnvironmentFailedError(message) from None

    async def _create_locked(self, path: Path, requirements: RequirementSet) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{path.name}.lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if self.has(requirements):
                return
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            # uv inherits the lock, so that one that outlives this process is waited for.
            uv = partial(_uv, lock.fileno())
            await uv("venv", "--seed", "--python", sys.executable, str(path))
            for install in requirements.installs:
                await _install(uv, path, install)
            (path / _MARKER).touch()


async def _install(uv: Callable[..., Awaitable[None]], path: Path, install: Install) -> None:
    options = list(install.options)
    while "--trusted-host" in options:  # uv's name for it
        options[options.index("--trusted-host")] = "--allow-insecure-host"
    if "--pre" in options:
        options[options.index("--pre")] = "--prerelease=allow"
    python = str(path / "bin" / "python")
    await uv(
        "pip", "install", "--python", python, "--compile-bytecode", *options, *install.requirements
    )


async def _uv(lock: int, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(_UV),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(os.environ),
        pass_fds=(lock,),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        minutes = _TIMEOUT_SECONDS / 60
        raise EnvironmentFailedError(
            f"installing the step's packages timed out after {minutes:g} min (uv {arguments[0]})"
        ) from None
    finally:
        if process.returncode is None:  # with what it started to build a package
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        shown = output.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        raise EnvironmentFailedError(f"cannot install the step's packages: {shown}")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """uv's environment. uv reads no pip configuration, so pip's settings are translated."""
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

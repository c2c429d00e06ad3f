"""How a resolved command is started: in which virtual environment, and with the step package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace_contracts.failures import FailureCode
from headrace_contracts.launches import WrittenFile

from headrace_executor.backends.port import ReportWaiting
from headrace_executor.backends.prepare import cannot_launch
from headrace_executor.backends.process.environments import (
    EnvironmentFailedError,
    EnvironmentStore,
)
from headrace_executor.backends.process.step_package import StepPackage
from headrace_executor.core.bootstrap import (
    RequirementSet,
    recognise,
    recognise_program,
    starts_own_module,
)
from headrace_executor.core.launch import ExecutionPaths, program_start

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Start:
    """A command line, and the PATH, files and further variables that it needs."""

    path: str
    argv: tuple[str, ...]
    written: tuple[WrittenFile, ...]
    env: Mapping[str, str]


class StartPlanner:
    """Plans starts with the virtual environments and the step package of a deployment."""

    def __init__(self, folder: Path) -> None:
        """`folder` has the environments and the step package."""
        self._environments = EnvironmentStore(folder)
        self._step_package = StepPackage(folder)

    async def sweep(self) -> None:
        """Remove environments and step packages that are half made, and that nobody is making."""
        await self._environments.sweep()
        await self._step_package.sweep()

    async def plan(
        self,
        argv: tuple[str, ...],
        env: Mapping[str, str],
        paths: ExecutionPaths,
        report_waiting: ReportWaiting,
    ) -> Start:
        """The start of a command, after its packages are installed.

        Raises:
            CannotLaunchError: packages cannot be installed, or the step package not be written.
        """
        bootstrap = recognise(argv)
        requirements = RequirementSet(()) if bootstrap is None else bootstrap.requirement_set
        path = SYSTEM_PATH
        if bootstrap is not None:
            path = await self._path_with(requirements, report_waiting)
            argv = bootstrap.argv
        own = starts_own_module(argv) and not requirements.brings("headrace")
        extra = await self._with_step_package(env) if own else {}
        program = recognise_program(argv)
        if program is None:
            return Start(path, argv, (), extra)
        bare = own and not requirements.installs
        command, written = program_start(program, paths, bare=bare)
        return Start(path, command, written, {**program.env, **extra})

    async def _path_with(self, requirements: RequirementSet, report_waiting: ReportWaiting) -> str:
        """The PATH of an environment with these packages."""
        if not self._environments.has(requirements):
            names = ", ".join(requirements.requirements)
            await report_waiting(
                f"installing {names}" if names else "creating the Python environment"
            )
        try:
            found = await self._environments.ensure(requirements)
        except EnvironmentFailedError as error:
            raise cannot_launch(FailureCode.ENVIRONMENT_FAILED, str(error)) from None
        return f"{found.bin_dir}:{SYSTEM_PATH}"

    async def _with_step_package(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variable by which a step imports the step package."""
        try:
            folder = str(await self._step_package.ensure())
        except OSError as error:
            message = f"cannot write the SDK files that the step needs: {error}"
            raise cannot_launch(FailureCode.ENVIRONMENT_FAILED, message) from None
        given = env.get("PYTHONPATH")
        return {"PYTHONPATH": f"{given}:{folder}" if given else folder}

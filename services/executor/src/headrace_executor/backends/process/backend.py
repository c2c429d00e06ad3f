"""Attempts as processes of this machine.

A container's image is not looked at: its command runs here. A lightweight component's packages
come from an environment of their own. The image and the resources describe a pod, and are for a
backend that has pods.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from uuid import UUID

from headrace_contracts.commands import LaunchAttempt
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.launches import (
    InputFile,
    LaunchFile,
    ResultManifest,
    UploadGrant,
    WrittenFile,
)
from headrace_contracts.places import is_plain, may_be_lent, run_folder
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectMissingError, ObjectStore

from headrace_executor.backends.process import pids
from headrace_executor.backends.process.step_package import CarriedPackage
from headrace_executor.core.arguments import too_long
from headrace_executor.core.bootstrap import (
    RequirementSet,
    recognise,
    recognise_program,
    starts_own_module,
)
from headrace_executor.core.launch import (
    Limits,
    Places,
    environment,
    executor_input,
    key_prefix,
    launch_file,
    launch_id,
    local_inputs,
    program_start,
)
from headrace_executor.core.placeholders import PlaceholderError, resolve_command, resolve_text
from headrace_executor.core.platform import Mount, PlatformError, placed, provision, wanted
from headrace_executor.core.workspace import with_workspace
from headrace_executor.backends.process.environments import EnvironmentFailedError, EnvironmentStore
from headrace_executor.backends.process.fork_client import ForkServer
from headrace_executor.backends.process.secret_folders import read_kept
from headrace_executor.backends.port import CannotLaunchError, Handle, Tell
from headrace_executor.settings import Settings

_PASSED_ON = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "TZ",
)
"""How this machine reaches the outside: it holds for steps as well, and is no secret of ours."""
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STOP_MARGIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Start:
    """The command as it is started, and the PATH, the files and the variables that it needs."""

    path: str
    argv: tuple[str, ...]
    written: tuple[WrittenFile, ...]
    env: Mapping[str, str]


class ProcessBackend:
    """Runs each attempt in a folder of its own, by a warm launcher."""

    def __init__(self, settings: Settings, objects: ObjectStore) -> None:
        self._settings = settings
        self._objects = objects
        self._forks = ForkServer(
            {"PATH": _SYSTEM_PATH, "HEADRACE_DATA_DIR": str(settings.data_dir)}
        )
        self._environments = EnvironmentStore(settings.environments_dir)
        self._carried = CarriedPackage(settings.environments_dir)
        self._limits = Limits(
            settings.grace_seconds,
            settings.log_limit_bytes,
            settings.log_flush_seconds,
            settings.log_inline_bytes,
        )
        self._log = get_logger()

    async def launch(self, command: LaunchAttempt, tell: Tell) -> Handle:
        """Prepare the attempt's folder and start its launcher."""
        places = self._places(command)
        workspace = self._workspace(command.run_id)
        if command.workspace:
            command = with_workspace(command, str(workspace))
        provided, mounts = _provided(command, self._settings.data_dir)
        files = await self._files(command)
        inputs = local_inputs(command, places, files)
        argv, env = self._resolve(command, executor_input(command, places, inputs))
        start = await self._start(argv, env, places, tell)
        argv = start.argv
        env = environment(
            command,
            places,
            path=start.path,
            passed_on={key: os.environ[key] for key in _PASSED_ON if key in os.environ},
            data_dir=str(self._settings.data_dir),
            env={**provided, **_placed(env, mounts), **start.env},
        )
        _check(command, argv, env)
        seconds = self._settings.grant_seconds
        url, fields = await self._objects.presign_post(key_prefix(command), seconds)
        plan = launch_file(
            command,
            places,
            argv=argv,
            env=env,
            written=start.written,
            inputs=inputs,
            files=files,
            grant=UploadGrant(url=url, fields=fields),
            uri_prefix=self._objects.uri(""),
            limits=self._limits,
        )
        _write(places, plan, workspace if command.workspace else None)
        return await self._forks.start(places.launch_file, places.launcher_log)

    def find(self, command: LaunchAttempt) -> Handle | None:
        """The launcher that a predecessor forked just before it died."""
        places = self._places(command)
        found = pids.find_by_stderr(places.launcher_log)
        if found is None and Path(places.result).exists():
            return Handle(0, 0)  # it has ended already, and left its result
        return found

    async def wait(self, command: LaunchAttempt, handle: Handle) -> ResultManifest | None:
        """Wait for the launcher, then read what it left."""
        if handle.pid:
            await self._forks.wait(self._places(command).launch_file, handle)
        manifest = await self._manifest(command)
        if manifest is None:  # the launcher was killed: its step may have outlived it
            pids.kill_marked(f"HEADRACE_LAUNCH_ID={launch_id(command)}")
            self._log.warning("attempt_vanished", launcher=self._last_words(command))
        return manifest

    async def stop(self, command: LaunchAttempt, handle: Handle) -> None:
        """Ask the launcher to end its step's whole tree; kill both when it does not in time."""
        pids.send(handle, signal.SIGTERM)
        await asyncio.sleep(self._settings.grace_seconds + _STOP_MARGIN_SECONDS)
        pids.send(handle, signal.SIGKILL)
        pids.kill_marked(f"HEADRACE_LAUNCH_ID={launch_id(command)}")

    def place(self, handle: Handle) -> str:
        """Host and process number."""
        return f"process {handle.pid} on {socket.gethostname()}"

    def log_key(self, command: LaunchAttempt) -> str:
        """The object key of the attempt's log."""
        return key_prefix(command) + "log.txt"

    async def clean(self, command: LaunchAttempt) -> None:
        """Remove the attempt's folder, and keep its launcher for another attempt."""
        places = self._places(command)
        self._forks.release(places.launch_file)
        await asyncio.to_thread(shutil.rmtree, places.folder, ignore_errors=True)

    async def clean_run(self, run_id: UUID) -> None:
        """Remove the run's workspace, and its folder when no attempt has one in it."""
        workspace = self._workspace(run_id)
        await asyncio.to_thread(shutil.rmtree, workspace, ignore_errors=True)
        with contextlib.suppress(OSError):
            workspace.parent.rmdir()

    async def close(self) -> None:
        """End the fork server; what runs goes on."""
        await self._forks.close()

    def _places(self, command: LaunchAttempt) -> Places:
        name = f"{command.run_id}/{command.task_id.hex}-{command.attempt}"
        return Places(PurePosixPath(self._settings.work_dir, name))

    def _workspace(self, run_id: UUID) -> Path:
        return Path(self._settings.work_dir, str(run_id), "workspace")

    async def _files(self, command: LaunchAttempt) -> dict[str, tuple[InputFile, ...]]:
        """What to fetch, by artifact URI; an artifact that lies elsewhere is not in it."""
        files: dict[str, tuple[InputFile, ...]] = {}
        for name, artifacts in command.inputs.artifacts.items():
            for artifact in artifacts:
                key = self._objects.key(artifact.uri)
                if key is not None and artifact.uri not in files:
                    _check_place(command, name, key)
                    files[artifact.uri] = await self._grants(key, artifact.content.kind)
        return files

    async def _grants(self, key: str, kind: str) -> tuple[InputFile, ...]:
        seconds = self._settings.grant_seconds
        if kind == "none":
            return ()
        if kind == "file" or (kind == "unknown" and await self._is_object(key)):
            return (InputFile(path="", url=await self._objects.presign_get(key, seconds)),)
        below = await self._objects.list(key + "/")
        return tuple(
            [
                InputFile(
                    path=entry[len(key) + 1 :],
                    url=await self._objects.presign_get(entry, seconds),
                )
                for entry in below
            ]
        )

    async def _is_object(self, key: str) -> bool:
        """Whether an object lies at this very key, not only others below it."""
        try:
            await self._objects.size(key)
        except ObjectMissingError:
            return False
        return True

    def _resolve(
        self, command: LaunchAttempt, given: Mapping[str, object]
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        defaults = {
            name: definition.default_value
            for name, definition in command.input_definitions.parameters.items()
            if definition.default_value is not None
        }
        declared = {*command.input_definitions.parameters, *command.input_definitions.artifacts}
        container = command.container
        try:
            argv = resolve_command(container.command, container.args, given, defaults, declared)
            env = {
                variable.name: resolve_text(variable.value, given, defaults, declared)
                for variable in container.env
            }
        except PlaceholderError as error:
            raise _cannot(FailureCode.PLACEHOLDER_INVALID, str(error)) from None
        return argv, env

    async def _start(
        self, argv: tuple[str, ...], env: Mapping[str, str], places: Places, tell: Tell
    ) -> _Start:
        """How a resolved command is started, in an environment with the packages it asks for."""
        bootstrap = recognise(argv)
        requirements = RequirementSet(()) if bootstrap is None else bootstrap.requirement_set
        path = _SYSTEM_PATH
        if bootstrap is not None:
            path = await self._path_with(requirements, tell)
            argv = bootstrap.argv
        own = starts_own_module(argv) and not requirements.brings("headrace")
        extra = await self._carry(env) if own else {}
        program = recognise_program(argv)
        if program is None:
            return _Start(path, argv, (), extra)
        bare = own and not requirements.installs
        command, written = program_start(program, places, bare=bare)
        return _Start(path, command, written, {**program.env, **extra})

    async def _path_with(self, requirements: RequirementSet, tell: Tell) -> str:
        """The PATH of an environment with these packages."""
        if not self._environments.has(requirements):
            names = ", ".join(requirements.requirements)
            await tell(f"installing {names}" if names else "making the environment of bare steps")
        try:
            made = await self._environments.ensure(requirements)
        except EnvironmentFailedError as error:
            raise _cannot(FailureCode.ENVIRONMENT_FAILED, str(error)) from None
        return f"{made.bin_dir}:{_SYSTEM_PATH}"

    async def _carry(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variable by which a step finds the executor of Headrace's own SDK."""
        try:
            folder = str(await self._carried.ensure())
        except OSError as error:
            message = f"the step's part of the SDK cannot be written: {error}"
            raise _cannot(FailureCode.ENVIRONMENT_FAILED, message) from None
        given = env.get("PYTHONPATH")
        return {"PYTHONPATH": f"{given}:{folder}" if given else folder}

    async def _manifest(self, command: LaunchAttempt) -> ResultManifest | None:
        places = self._places(command)
        body = _read(places.result)
        try:
            if body is None:
                body = await self._objects.get(key_prefix(command) + "result.json")
        except ObjectMissingError:
            return None
        try:
            return ResultManifest.model_validate_json(body)
        except ValueError as error:  # it will not read better the next time
            return ResultManifest(
                launch_id=launch_id(command),
                state="FAILED",
                failure=Failure(
                    code=FailureCode.LAUNCHER_ERROR,
                    message=f"the step's result cannot be read: {error}",
                ),
                finished_at=datetime.now(UTC),
            )

    def _last_words(self, command: LaunchAttempt) -> str:
        said = _read(self._places(command).launcher_log) or b""
        return said[-2000:].decode(errors="replace")


def _check_place(command: LaunchAttempt, name: str, key: str) -> None:
    """Where an artifact lies may be said by an importer or a step, and so by anybody."""
    own = run_folder(
        command.namespace, command.pipeline_name, command.run_id, command.pipeline_root
    )
    plain = key.rstrip("/")
    if not may_be_lent(plain, command.namespace) and not (is_plain(plain) and key.startswith(own)):
        raise _cannot(
            FailureCode.INPUT_INVALID,
            f"input artifact {name!r} lies in a place of the store that is not for namespace "
            f"{command.namespace!r}",
        )


def _cannot(code: FailureCode, message: str) -> CannotLaunchError:
    return CannotLaunchError(Failure(code=code, message=message))


def _provided(command: LaunchAttempt, data: Path) -> tuple[dict[str, str], tuple[Mount, ...]]:
    """The variables that come of the platform settings, and files that are to be somewhere; folders
    have to be there."""
    kept = read_kept(data, command.namespace, wanted(command))
    try:
        provided = provision(command, socket.gethostname(), kept)
    except PlatformError as error:
        raise _cannot(FailureCode.INPUT_INVALID, str(error)) from None
    for folder, what in provided.folders.items():
        if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
            raise _cannot(
                FailureCode.INPUT_INVALID,
                f"the step needs {what} at {folder!r}, which is no folder of this machine that it "
                "may write to, and cannot be mounted without a Kubernetes cluster",
            )
    return dict(provided.env), provided.mounts


def _placed(env: Mapping[str, str], mounts: tuple[Mount, ...]) -> dict[str, str]:
    try:
        return placed(env, mounts)
    except PlatformError as error:
        raise _cannot(FailureCode.INPUT_INVALID, str(error)) from None


def _check(command: LaunchAttempt, argv: tuple[str, ...], env: Mapping[str, str]) -> None:
    if not argv:
        raise _cannot(FailureCode.COMMAND_NOT_FOUND, "the command is empty")
    fault = too_long(argv, env, command.inputs.parameters)
    if fault is not None:
        raise _cannot(FailureCode.INPUT_INVALID, fault)


def _write(places: Places, plan: LaunchFile, workspace: Path | None) -> None:
    """A folder and a file: a thread for them would cost more than they do."""
    folder = Path(places.folder)
    try:
        if folder.exists():  # of a launch that never came to its launcher
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if workspace is not None:
            workspace.mkdir(exist_ok=True)
        Path(places.launch_file).write_bytes(plan.to_json())
    except OSError as error:
        raise _cannot(
            FailureCode.LAUNCHER_ERROR,
            f"the step's folder {folder} cannot be made: {error.strerror}",
        ) from None


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None

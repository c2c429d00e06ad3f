"""Attempts as processes of this machine.

A container's image is ignored: its command runs here. The packages of a lightweight component come
from a virtual environment. Image, resources and placement describe a pod, and need a backend that
has pods.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from uuid import UUID

from headrace_contracts.failures import FailureCode
from headrace_contracts.launches import LaunchFile, Progress, ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_launcher import attempt_lock
from headrace_launcher.attempt_lock import Record
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectStore

from headrace_executor.backends.port import (
    Attempt,
    Handle,
    OpenAmong,
    ReportProgress,
    ReportWaiting,
    Vanished,
)
from headrace_executor.backends.prepare import (
    LaunchPreparer,
    cannot_launch,
    check_command,
    parse_manifest,
    resolve_placeholders,
)
from headrace_executor.backends.process import attempt, pids
from headrace_executor.backends.process.folders import AttemptFolders
from headrace_executor.backends.process.fork_client import ForkClient, Request
from headrace_executor.backends.process.owner import hold_work_dir
from headrace_executor.backends.process.pids import ProcessId
from headrace_executor.backends.process.secret_folders import read_key_folders
from headrace_executor.backends.process.start import SYSTEM_PATH, StartPlanner
from headrace_executor.core.execution import Execution
from headrace_executor.core.launch import ExecutionPaths, Limits, environment
from headrace_executor.core.outcome import STOPPED
from headrace_executor.core.platform import (
    Mount,
    PlatformError,
    mounted_paths,
    provision,
    requested_key_folders,
)
from headrace_executor.core.workspace import with_workspace
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
"""How this machine reaches the network: steps need it too, and it is no secret of the platform."""
_SHORTAGES = (
    errno.EMFILE,
    errno.ENFILE,
    errno.ETOOMANYREFS,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.ENOSPC,
    errno.EDQUOT,
)
"""File descriptors, memory, processes or space: they come back when other steps end."""
_DATA_DIR_VARIABLE = "HEADRACE_DATA_DIR"
_LOCK = "lock"
"""The file in an attempt's folder by which at most one of its launchers runs."""
_STOP_MARGIN_SECONDS = 5.0
"""Beyond the grace of its step, before a launcher itself is killed."""
_VANISHED = Vanished(
    "the step's process ended without a result: it was killed from outside, or the machine "
    "restarted"
)
_STOPPED = Vanished(STOPPED, deployment_stopped=True)


@asynccontextmanager
async def open_process_backend(
    settings: Settings, objects: ObjectStore
) -> AsyncIterator[ProcessBackend]:
    """The backend, for as long as it holds its work folder.

    Raises:
        FatalError: another executor uses the same work folder.
    """
    async with hold_work_dir(settings.work_dir) as owner:
        backend = ProcessBackend(settings, objects, owner)
        await asyncio.to_thread(backend.folders.take_stop_mark)
        try:
            yield backend
        finally:
            await backend.close()


class ProcessBackend:
    """Runs each attempt in a folder of its own, by a launcher that the fork server forked."""

    is_shared = False

    def __init__(self, settings: Settings, objects: ObjectStore, owner: str) -> None:
        self.owner = owner
        self._settings = settings
        self._free_slots = settings.slots
        self.folders = AttemptFolders(Path(settings.work_dir))
        self._forks = ForkClient({"PATH": SYSTEM_PATH, _DATA_DIR_VARIABLE: str(settings.data_dir)})
        self._starts = StartPlanner(settings.environments_dir)
        limits = Limits(
            settings.grace_seconds,
            settings.log_limit_bytes,
            settings.log_flush_seconds,
            settings.log_inline_bytes,
        )
        self._preparer = LaunchPreparer(objects, limits, settings.grant_seconds)
        self._log = get_logger()

    def reserve(self, command: LaunchAttempt, *, is_running: bool) -> bool:
        """Take one slot."""
        if self._free_slots <= 0 and not is_running:
            return False
        self._free_slots -= 1
        return True

    def release(self, command: LaunchAttempt) -> None:
        """Give back one slot."""
        self._free_slots += 1

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        """Provide the environment and resolve the command."""
        paths, command = self._paths(execution), execution.command
        if command.workspace:
            workspace = self.folders.workspace(command.run_id)
            command = with_workspace(command, str(workspace))
            execution = replace(execution, command=command)
        provided, mounts = self._provided(command)
        inputs = await self._preparer.inputs(command, paths)
        argv, env = resolve_placeholders(command, paths, inputs)
        start = await self._starts.plan(argv, env, paths, report_waiting)
        complete = environment(
            execution,
            paths,
            path=start.path,
            passed_on={key: os.environ[key] for key in _PASSED_ON if key in os.environ},
            env={**provided, **_with_mounts(env, mounts), **start.env},
            marks={_DATA_DIR_VARIABLE: str(self._settings.data_dir)},
        )
        check_command(command, start.argv, complete)
        plan = await self._preparer.launch_file(
            execution,
            paths,
            inputs,
            argv=start.argv,
            env=complete,
            written=start.written,
            upload_result=False,
        )
        files = {"progress_path": paths.progress, "stop_mark_path": str(self.folders.stop_mark)}
        return plan.model_copy(update=files)

    async def start(self, execution: Execution, plan: LaunchFile) -> Handle:
        """Create the execution's folder and hand the launch file to a launcher."""
        paths, command = self._paths(execution), execution.command
        workspace = self.folders.workspace(command.run_id) if command.workspace else None
        with _shortage_is_retryable():
            _create_folder(paths, plan, workspace)
            self.folders.remove_stop_mark(_attempt(command))
            request = Request(
                paths.launch_file, self._lock(command), execution.number, paths.launcher_log
            )
            return _handle(await self._forks.start(request))

    async def find(self, execution: Execution, handle: Handle | None) -> Handle | None:
        """The launcher by the lock of its attempt. If there is none, what earlier executions left
        is ended."""
        lock = self._lock(execution.command)
        with _shortage_is_retryable():
            found = await attempt.launcher_of(execution, lock)
            if found is not None:
                launcher, is_running = found
                return _handle(launcher) if is_running else {}
            if handle is None:
                await self._end(execution.command)
        return handle  # the lock is gone: the step has removed it, or a version without one ran it

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        """Wait for the launcher, then read the result that it wrote."""
        process = _process(handle)
        with _shortage_is_retryable():
            if process is not None:
                await self._forks.wait(self._paths(execution).launch_file, process)
            manifest = await self._manifest(execution)
            if manifest is not None:
                return manifest
            # The launcher was killed: processes of its step may have outlived it.
            await self._end(execution.command)
        if self.folders.was_stopped(_attempt(execution.command)):
            return _STOPPED
        self._log.warning("attempt_vanished", launcher_log=self._launcher_log(execution))
        return _VANISHED

    async def follow(self, execution: Execution, handle: Handle, report: ReportProgress) -> None:
        """Report the launcher's progress file whenever it changes."""
        paths = self._paths(execution)
        known = Progress()
        while True:
            await self._forks.progress_changed(paths.launch_file)
            body = _read(paths.progress)
            now = known if body is None else _progress(body)
            if now != known:
                await report(now)
                known = now

    async def stop(self, execution: Execution, handle: Handle) -> None:
        """Ask the launcher to end its step's processes; kill all of them when it does not."""
        process = _process(handle)
        if process is None:
            return
        pids.send(process, signal.SIGTERM)
        await asyncio.sleep(self._settings.grace_seconds + _STOP_MARGIN_SECONDS)
        pids.send(process, signal.SIGKILL)
        await self._end(execution.command)

    def describe(self, handle: Handle) -> str | None:
        """Process number and host."""
        process = _process(handle)
        return None if process is None else f"process {process.pid} on {socket.gethostname()}"

    async def clean(self, execution: Execution) -> None:
        """Remove the folders of the attempt, and free the launcher for another attempt."""
        command = execution.command
        if attempt_lock.read(self._lock(command))[1]:
            await self._end(command)
        self._forks.release(self._paths(execution).launch_file)
        await self.folders.remove(_attempt(command))

    async def clean_run(self, run_id: UUID) -> None:
        """Remove the run's workspace, and its folder if no attempt's folder is in it."""
        await self.folders.remove_workspace(run_id)

    async def sweep(self, open_among: OpenAmong) -> int:
        """Remove the folders of attempts that are not open, and environments that are half made."""
        await self._starts.sweep()
        return await self.folders.sweep(open_among)

    async def close(self) -> None:
        """End the fork server; running steps go on."""
        await self._forks.close()

    async def _end(self, command: LaunchAttempt) -> None:
        """Kill whatever runs of an attempt of this deployment."""
        owner = f"{_DATA_DIR_VARIABLE}={self._settings.data_dir}"
        await attempt.end(command, self._lock(command), owner)

    def _lock(self, command: LaunchAttempt) -> str:
        return str(self.folders.path(_attempt(command)) / _LOCK)

    def _paths(self, execution: Execution) -> ExecutionPaths:
        folder = self.folders.path(_attempt(execution.command))
        return ExecutionPaths(PurePosixPath(folder / str(execution.number)))

    def _provided(self, command: LaunchAttempt) -> tuple[Mapping[str, str], tuple[Mount, ...]]:
        """The variables that platform settings stand for, and the files that a step expects at a
        path; checks that required folders exist."""
        names = requested_key_folders(command)
        folders = read_key_folders(self._settings.data_dir, command.namespace, names)
        try:
            provided = provision(command, socket.gethostname(), folders)
        except PlatformError as error:
            raise cannot_launch(FailureCode.INPUT_INVALID, str(error)) from None
        for folder, what in provided.folders.items():
            if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
                raise cannot_launch(
                    FailureCode.INPUT_INVALID,
                    f"the step needs {what} at {folder!r}, which cannot be mounted without a "
                    "Kubernetes cluster; create a folder there that the step may write to",
                )
        return provided.env, provided.mounts

    async def _manifest(self, execution: Execution) -> ResultManifest | None:
        body = _read(self._paths(execution).result)
        if body is None:
            return await self._preparer.uploaded_manifest(execution)
        return parse_manifest(execution, body)

    def _launcher_log(self, execution: Execution) -> str:
        """The end of what the launcher itself wrote to its standard error."""
        output = _read(self._paths(execution).launcher_log) or b""
        return output[-2000:].decode(errors="replace")


@contextmanager
def _shortage_is_retryable() -> Iterator[None]:
    """Have the runner repeat a call that failed because the machine is short of something."""
    try:
        yield
    except OSError as error:
        if error.errno not in _SHORTAGES:
            raise
        raise RetryableError(f"the machine is short of resources: {error.strerror}") from error


def _attempt(command: LaunchAttempt) -> Attempt:
    return command.run_id, command.task_id, command.attempt


def _progress(body: bytes) -> Progress:
    """What a progress file says; one that a step has overwritten says nothing."""
    try:
        return Progress.model_validate_json(body)
    except ValueError:
        return Progress()


def _handle(process: ProcessId | Record) -> Handle:
    return {"pid": process.pid, "start_time": process.start_time}


def _process(handle: Handle | None) -> ProcessId | None:
    """The process of a handle; none when the launch had ended before it was found."""
    if not handle:
        return None
    pid, start_time = handle["pid"], handle["start_time"]
    assert isinstance(pid, int)
    assert isinstance(start_time, int)
    return ProcessId(pid, start_time)


def _with_mounts(env: Mapping[str, str], mounts: tuple[Mount, ...]) -> dict[str, str]:
    try:
        return mounted_paths(env, mounts)
    except PlatformError as error:
        raise cannot_launch(FailureCode.INPUT_INVALID, str(error)) from None


def _create_folder(paths: ExecutionPaths, plan: LaunchFile, workspace: Path | None) -> None:
    """Create the execution's folder and launch file, and the attempt's lock. Not in a thread, which
    would cost more."""
    folder = Path(paths.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if workspace is not None:
            workspace.mkdir(exist_ok=True)
        Path(paths.launch_file).write_bytes(plan.to_json())
        os.close(os.open(Path(paths.folder.parent, _LOCK), os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        if error.errno in _SHORTAGES:
            raise
        raise cannot_launch(
            FailureCode.LAUNCHER_ERROR,
            f"cannot create the step's folder {folder}: {error.strerror}",
        ) from None


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None

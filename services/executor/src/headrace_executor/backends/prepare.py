"""What every backend needs to prepare a launch: grants, resolved placeholders, checks of size, the
launch file, and the result manifest in object storage.

A backend adds where the execution's files are (`ExecutionPaths`) and how the command is started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.launches import (
    InputFile,
    LaunchFile,
    ResultManifest,
    UploadGrant,
    WrittenFile,
)
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.object_keys import is_normalized, is_readable_from, run_prefix
from headrace_contracts.values import Artifact
from headrace_runtime.objects import ObjectMissingError, ObjectStore

from headrace_executor.backends.port import CannotLaunchError
from headrace_executor.core.arguments import unusable
from headrace_executor.core.execution import Execution
from headrace_executor.core.launch import (
    ExecutionPaths,
    Limits,
    executor_input,
    launch_file,
    local_inputs,
)
from headrace_executor.core.placeholders import PlaceholderError, resolve_command, resolve_text


@dataclass(frozen=True, slots=True)
class PreparedInputs:
    """The input artifacts of a launch: the URIs that the command sees, and what to fetch."""

    artifacts: Mapping[str, list[tuple[Artifact, str]]]
    """By input name: each artifact with the URI that the command sees."""
    files: Mapping[str, tuple[InputFile, ...]]
    """By artifact URI: the objects to fetch. An artifact in another store is not in it."""


class LaunchPreparer:
    """Prepares launches with the rights that the object store grants."""

    def __init__(self, objects: ObjectStore, limits: Limits, grant_seconds: int) -> None:
        self._objects = objects
        self._limits = limits
        self._grant_seconds = grant_seconds

    async def inputs(self, command: LaunchAttempt, paths: ExecutionPaths) -> PreparedInputs:
        """The input artifacts, with a presigned URL for each object of the deployment's store.

        Raises:
            CannotLaunchError: an artifact belongs to another namespace.
        """
        files: dict[str, tuple[InputFile, ...]] = {}
        for name, artifacts in command.inputs.artifacts.items():
            for artifact in artifacts:
                key = self._objects.key(artifact.uri)
                if key is not None and artifact.uri not in files:
                    _check_readable(command, name, key)
                    files[artifact.uri] = await self._grants(key, artifact.content.kind)
        return PreparedInputs(local_inputs(command, paths, files), files)

    async def launch_file(
        self,
        execution: Execution,
        paths: ExecutionPaths,
        inputs: PreparedInputs,
        *,
        argv: tuple[str, ...],
        env: dict[str, str],
        written: tuple[WrittenFile, ...] = (),
        upload_result: bool = True,
    ) -> LaunchFile:
        """The launch file of a command that was resolved and checked; see `core.launch`."""
        url, fields = await self._objects.presign_post(execution.key_prefix, self._grant_seconds)
        return launch_file(
            execution,
            paths,
            argv=argv,
            env=env,
            written=written,
            inputs=inputs.artifacts,
            files=inputs.files,
            grant=UploadGrant(url=url, fields=fields),
            uri_prefix=self._objects.uri(""),
            limits=self._limits,
            upload_result=upload_result,
        )

    async def uploaded_manifest(self, execution: Execution) -> ResultManifest | None:
        """The result manifest in object storage, None when there is none."""
        try:
            body = await self._objects.get(execution.result_key)
        except ObjectMissingError:
            return None
        return parse_manifest(execution, body)

    async def _grants(self, key: str, kind: str) -> tuple[InputFile, ...]:
        if kind == "none":
            return ()
        if kind == "file" or (kind == "unknown" and await self._is_object(key)):
            return (await self._grant(key, ""),)
        keys = await self._objects.list(key + "/")
        return tuple([await self._grant(one, one[len(key) + 1 :]) for one in keys])

    async def _grant(self, key: str, path: str) -> InputFile:
        url = await self._objects.presign_get(key, self._grant_seconds)
        return InputFile(path=path, url=url)

    async def _is_object(self, key: str) -> bool:
        """Whether there is an object with exactly this key, not only others below it."""
        try:
            await self._objects.size(key)
        except ObjectMissingError:
            return False
        return True


def resolve_placeholders(
    command: LaunchAttempt, paths: ExecutionPaths, inputs: PreparedInputs
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command line and environment of the component, with their placeholders replaced.

    Raises:
        CannotLaunchError: a placeholder cannot be resolved.
    """
    given = executor_input(command, paths, inputs.artifacts)
    definitions = command.input_definitions
    defaults = {
        name: definition.default_value
        for name, definition in definitions.parameters.items()
        if definition.default_value is not None
    }
    declared = {*definitions.parameters, *definitions.artifacts}
    container = command.container
    try:
        argv = resolve_command(container.command, container.args, given, defaults, declared)
        env = {
            variable.name: resolve_text(variable.value, given, defaults, declared)
            for variable in container.env
        }
    except PlaceholderError as error:
        raise cannot_launch(FailureCode.PLACEHOLDER_INVALID, str(error)) from None
    return argv, env


def check_command(command: LaunchAttempt, argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Check that Linux can start a command line.

    Raises:
        CannotLaunchError: it is empty, or an argument or variable is too long or has a NUL.
    """
    if not argv:
        raise cannot_launch(FailureCode.COMMAND_NOT_FOUND, "the component's command is empty")
    fault = unusable(argv, env, command.inputs.parameters)
    if fault is not None:
        raise cannot_launch(FailureCode.INPUT_INVALID, fault)


def parse_manifest(execution: Execution, body: bytes) -> ResultManifest:
    """The result manifest of an execution; one that is malformed or of another execution is a
    failure of the attempt, which is final."""
    try:
        manifest = ResultManifest.model_validate_json(body)
    except ValueError as error:
        return _unusable(execution, f"the step's result manifest is malformed: {error}")
    if manifest.launch_id != execution.launch_id:
        fault = f"is of {manifest.launch_id!r}, expected {execution.launch_id!r}"
        return _unusable(execution, f"the step's result manifest {fault}")
    return manifest


def _unusable(execution: Execution, message: str) -> ResultManifest:
    return ResultManifest(
        launch_id=execution.launch_id,
        execution=execution.number,
        state="FAILED",
        failure=Failure(code=FailureCode.LAUNCHER_ERROR, message=message),
        finished_at=datetime.now(UTC),
    )


def cannot_launch(code: FailureCode, message: str) -> CannotLaunchError:
    """The error for an attempt that cannot start."""
    return CannotLaunchError(Failure(code=code, message=message))


def _check_readable(command: LaunchAttempt, name: str, key: str) -> None:
    """Check the object key of an input artifact, which an importer or a step may have chosen."""
    own = run_prefix(
        command.namespace, command.pipeline_name, command.run_id, command.pipeline_root
    )
    plain = key.rstrip("/")
    if not is_readable_from(plain, command.namespace) and not (
        is_normalized(plain) and key.startswith(own)
    ):
        raise cannot_launch(
            FailureCode.INPUT_INVALID,
            f"input artifact {name!r} is stored outside of what namespace "
            f"{command.namespace!r} may read",
        )

"""From a launch command to the launch file: paths, object keys, executor input, command line.

Pure: paths and grants are arguments, a `LaunchFile` is the result.
Source of the executor input's shape: `ExecutorInput` in KFP's pipeline_spec.proto.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from headrace_contracts.ir.parameters import whole_numbers
from headrace_contracts.launches import (
    InputArtifact,
    InputFile,
    LaunchFile,
    LogPlan,
    OutputArtifact,
    OutputParameter,
    ResultPlan,
    TaskRoot,
    UploadGrant,
    WrittenFile,
)
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.values import Artifact, ArtifactType

from headrace_executor.core.bootstrap import Program
from headrace_executor.core.execution import Execution

LAUNCH_ID_VARIABLE = "HEADRACE_LAUNCH_ID"
"""In the environment of every process of an execution, by which its processes can be found."""


@dataclass(frozen=True, slots=True)
class ExecutionPaths:
    """The local paths of one execution, all below its folder, as its launcher and command see
    them."""

    folder: PurePosixPath

    @property
    def work(self) -> str:
        """The command's working folder."""
        return str(self.folder / "work")

    @property
    def temporary(self) -> str:
        """The command's TMPDIR."""
        return str(self.folder / "tmp")

    @property
    def launch_file(self) -> str:
        """The launch file itself."""
        return str(self.folder / "launch.json")

    @property
    def launcher_log(self) -> str:
        """The launcher's own standard error; empty unless the launcher fails."""
        return str(self.folder / "launcher.err")

    @property
    def result(self) -> str:
        """The local copy of the result manifest."""
        return str(self.folder / "result.json")

    @property
    def progress(self) -> str:
        """What the launcher does at present."""
        return str(self.folder / "progress.json")

    @property
    def executor_output(self) -> str:
        """KFP's ExecutorOutput file; its folder is the command's task root."""
        return str(self.folder / "out" / "executor_output.json")

    @property
    def task_root(self) -> str:
        """The folder of the command's outputs, and of the paths that `dsl.get_uri` returns."""
        return str(self.folder / "out")

    @property
    def program(self) -> str:
        """A lightweight component's source, named as KFP names it."""
        return str(self.folder / "program" / "ephemeral_component.py")

    @property
    def arguments(self) -> str:
        """The arguments of a lightweight component."""
        return str(self.folder / "argv.json")

    def input(self, name: str, index: int, uri: str) -> str:
        """An input artifact's path; its name is the last part of its URI."""
        leaf = posixpath.basename(uri.rstrip("/"))
        leaf = "data" if leaf in ("", ".", "..") else leaf
        return str(self.folder / "in" / name / str(index) / leaf)

    def output(self, name: str) -> str:
        """An output's path."""
        return str(self.folder / "out" / name)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of every attempt of this executor; the settings of the same names explain them."""

    grace_seconds: float
    log_limit_bytes: int
    log_flush_seconds: float
    log_inline_bytes: int = 0


def local_inputs(
    command: LaunchAttempt, paths: ExecutionPaths, fetchable: Mapping[str, object]
) -> dict[str, list[tuple[Artifact, str]]]:
    """Each input artifact with the URI that the command sees: a local path if it is fetched, else
    the artifact's own URI. `fetchable` has the URIs that are fetched."""
    return {
        name: [
            (
                artifact,
                paths.input(name, index, artifact.uri)
                if artifact.uri in fetchable
                else artifact.uri,
            )
            for index, artifact in enumerate(artifacts)
        ]
        for name, artifacts in command.inputs.artifacts.items()
    }


def executor_input(
    command: LaunchAttempt,
    paths: ExecutionPaths,
    inputs: Mapping[str, list[tuple[Artifact, str]]],
) -> dict[str, Any]:
    """The ExecutorInput message that the command gets."""
    definitions = command.output_definitions
    return {
        "inputs": {
            "parameterValues": whole_numbers(dict(command.inputs.parameters)),
            "artifacts": {
                name: {"artifacts": [_runtime_artifact(artifact, uri) for artifact, uri in given]}
                for name, given in inputs.items()
            },
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": paths.output(name)} for name in definitions.parameters
            },
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": name,
                            "type": definition.artifact_type.model_dump(exclude_none=True),
                            "uri": paths.output(name),
                            "metadata": whole_numbers(definition.metadata),
                        }
                    ]
                }
                for name, definition in definitions.artifacts.items()
            },
            "outputFile": paths.executor_output,
        },
    }


def _runtime_artifact(artifact: Artifact, uri: str) -> dict[str, Any]:
    metadata = whole_numbers(artifact.metadata)
    if uri != artifact.uri:  # fetched: the SDK must not look for it in a mounted workspace
        metadata.pop("_kfp_workspace", None)
    return {
        "name": artifact.name,
        "type": artifact.type.model_dump(exclude_none=True),
        "uri": uri,
        "metadata": metadata,
    }


def launch_file(
    execution: Execution,
    paths: ExecutionPaths,
    *,
    argv: tuple[str, ...],
    env: dict[str, str],
    written: tuple[WrittenFile, ...] = (),
    inputs: Mapping[str, list[tuple[Artifact, str]]],
    files: Mapping[str, tuple[InputFile, ...]],
    grant: UploadGrant,
    uri_prefix: str,
    limits: Limits,
    upload_result: bool,
) -> LaunchFile:
    """The launch file. `files` are the objects to fetch, by artifact URI; `uri_prefix` is the
    bucket's; `written` are files that the launcher writes before the command starts. Without
    `upload_result` the result manifest is uploaded only if it cannot be written locally."""
    command, prefix = execution.command, execution.key_prefix
    return LaunchFile(
        launch_id=execution.launch_id,
        execution=execution.number,
        argv=argv,
        env=env,
        cwd=paths.work,
        dirs=(paths.work, paths.temporary, paths.task_root, *_folders(inputs, files)),
        timeout_seconds=command.timeout_seconds,
        grace_seconds=limits.grace_seconds,
        log=LogPlan(
            path=str(paths.folder / "log.txt"),
            key=execution.log_key,
            limit_bytes=limits.log_limit_bytes,
            flush_seconds=limits.log_flush_seconds,
            inline_bytes=limits.log_inline_bytes,
        ),
        files=written,
        inputs=_fetched(inputs, files),
        executor_output=paths.executor_output,
        output_parameters=_output_parameters(command, paths),
        output_artifacts=_output_artifacts(execution, paths, uri_prefix),
        task_root=TaskRoot(
            path=paths.task_root, uri=f"{uri_prefix}{prefix}".rstrip("/"), key=prefix.rstrip("/")
        ),
        upload=grant,
        result=ResultPlan(path=paths.result, key=execution.result_key, upload=upload_result),
    )


def _fetched(
    inputs: Mapping[str, list[tuple[Artifact, str]]], files: Mapping[str, tuple[InputFile, ...]]
) -> tuple[InputArtifact, ...]:
    return tuple(
        InputArtifact(name=name, path=path, uri=artifact.uri, files=files[artifact.uri])
        for name, given in inputs.items()
        for artifact, path in given
        if artifact.uri in files
    )


def _output_parameters(
    command: LaunchAttempt, paths: ExecutionPaths
) -> tuple[OutputParameter, ...]:
    return tuple(
        OutputParameter(
            name=name,
            type=definition.parameter_type,
            path=paths.output(name),
            optional=definition.is_optional,
        )
        for name, definition in command.output_definitions.parameters.items()
    )


def _output_artifacts(
    execution: Execution, paths: ExecutionPaths, uri_prefix: str
) -> tuple[OutputArtifact, ...]:
    prefix = execution.key_prefix
    return tuple(
        OutputArtifact(
            name=name,
            path=paths.output(name),
            handed_uri=paths.output(name),
            uri=f"{uri_prefix}{prefix}{name}",
            key=prefix + name,
            type=ArtifactType.model_validate(definition.artifact_type.model_dump()),
            metadata=whole_numbers(definition.metadata),
            is_list=definition.is_artifact_list,
        )
        for name, definition in execution.command.output_definitions.artifacts.items()
    )


def _folders(
    inputs: Mapping[str, list[tuple[Artifact, str]]], files: Mapping[str, object]
) -> tuple[str, ...]:
    """The paths of input folders, which exist even if they are empty."""
    return tuple(
        path
        for given in inputs.values()
        for artifact, path in given
        if artifact.content.kind == "directory" and artifact.uri in files
    )


def program_start(
    program: Program, paths: ExecutionPaths, *, bare: bool = False
) -> tuple[tuple[str, ...], tuple[WrittenFile, ...]]:
    """A short command that starts a lightweight component as its shell would, and the files with
    its source and arguments. This saves two shells, and arguments may have any size, where Linux
    allows 128 KiB for one.

    `bare` is for a component of Headrace's own SDK in an environment without packages: it starts
    without `site`, which that SDK's executor replaces."""
    arguments = ["--component_module_path", paths.program, *program.arguments]
    start = (
        ("python3", *(("-S",) if bare else ()), "-c", _START_OWN_PROGRAM, paths.arguments)
        if program.is_own
        else ("python3", "-c", _START_PROGRAM, paths.arguments, program.module)
    )
    return (
        start,
        (
            WrittenFile(path=paths.program, text=program.source),
            WrittenFile(path=paths.arguments, text=json.dumps(arguments)),
        ),
    )


_START_PROGRAM = """\
import json, os, runpy, sys
path, module = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    sys.argv = ["-m", *json.load(file)]
if not getattr(sys.flags, "safe_path", False):
    sys.path[0] = os.getcwd()
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
"""The equivalent of ``python3 -m MODULE ARGUMENTS``, with the arguments from a file."""


_START_OWN_PROGRAM = """\
import sys
from headrace.component.main import main_from_file
main_from_file(sys.argv[1])
"""
"""The same for Headrace's own SDK, without the imports of `runpy`."""


def environment(
    execution: Execution,
    paths: ExecutionPaths,
    *,
    path: str,
    passed_on: Mapping[str, str],
    env: Mapping[str, str],
    marks: Mapping[str, str],
) -> dict[str, str]:
    """The complete environment of the command, which inherits nothing from the executor's.

    `passed_on` are the backend's variables for every step, `env` are this step's, and `marks` are
    those by which its processes are found, which a step cannot replace."""
    command = execution.command
    return {
        **passed_on,
        "PATH": path,
        "HOME": paths.work,
        "TMPDIR": paths.temporary,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "HEADRACE_RUN_ID": str(command.run_id),
        "KFP_RETRY_INDEX": str(command.retry_index),
        **env,
        **marks,
        LAUNCH_ID_VARIABLE: execution.launch_id,
    }

"""From a launch command to the launch file: paths, keys, the executor input, the command line.

Pure: the places and grants come in, a `LaunchFile` comes out.
Source of the executor input's shape: `ExecutorInput` in KFP's pipeline_spec.proto.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from headrace_contracts.commands import LaunchAttempt
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
from headrace_contracts.places import run_folder
from headrace_contracts.values import Artifact, ArtifactType

from headrace_executor.core.bootstrap import Program


@dataclass(frozen=True, slots=True)
class Places:
    """The local places of one attempt, all below its folder."""

    folder: PurePosixPath

    @property
    def work(self) -> str:
        """Where the command runs."""
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
        """What the launcher itself has to say; empty when all is well."""
        return str(self.folder / "launcher.err")

    @property
    def result(self) -> str:
        """The local copy of the result manifest."""
        return str(self.folder / "result.json")

    @property
    def executor_output(self) -> str:
        """KFP's ExecutorOutput file; its folder is the command's task root."""
        return str(self.folder / "out" / "executor_output.json")

    @property
    def task_root(self) -> str:
        """Where the command's outputs go; what `dsl.get_uri` gives is in here."""
        return str(self.folder / "out")

    @property
    def program(self) -> str:
        """A lightweight component's source, under the name that KFP gives it."""
        return str(self.folder / "program" / "ephemeral_component.py")

    @property
    def arguments(self) -> str:
        """The arguments of a lightweight component."""
        return str(self.folder / "argv.json")

    def input(self, name: str, index: int, uri: str) -> str:
        """An input artifact's place; it keeps the last part of its URI as its name."""
        leaf = posixpath.basename(uri.rstrip("/"))
        leaf = "data" if leaf in ("", ".", "..") else leaf
        return str(self.folder / "in" / name / str(index) / leaf)

    def output(self, name: str) -> str:
        """An output's place."""
        return str(self.folder / "out" / name)


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for every attempt of this executor."""

    grace_seconds: float
    log_limit_bytes: int
    log_flush_seconds: float
    log_inline_bytes: int = 0


def launch_id(command: LaunchAttempt) -> str:
    """The attempt, as one word."""
    return f"{command.run_id}-{command.task_id}-{command.attempt}"


def key_prefix(command: LaunchAttempt) -> str:
    """Where the attempt's objects lie. Each attempt has a prefix of its own, so that a late one
    cannot touch what another made."""
    folder = run_folder(
        command.namespace, command.pipeline_name, command.run_id, command.pipeline_root
    )
    return f"{folder}{command.path.partition('/')[2]}/{command.attempt}/"


def local_inputs(
    command: LaunchAttempt, places: Places, fetchable: Mapping[str, object]
) -> dict[str, list[tuple[Artifact, str]]]:
    """Each input artifact with the URI that the command sees: the local path of what is fetched,
    the artifact's own URI for what lies elsewhere."""
    return {
        name: [
            (
                artifact,
                places.input(name, index, artifact.uri)
                if artifact.uri in fetchable
                else artifact.uri,
            )
            for index, artifact in enumerate(artifacts)
        ]
        for name, artifacts in command.inputs.artifacts.items()
    }


def executor_input(
    command: LaunchAttempt,
    places: Places,
    inputs: Mapping[str, list[tuple[Artifact, str]]],
) -> dict[str, Any]:
    """The ExecutorInput message as the command gets it."""
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
                name: {"outputFile": places.output(name)} for name in definitions.parameters
            },
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": name,
                            "type": definition.artifact_type.model_dump(exclude_none=True),
                            "uri": places.output(name),
                            "metadata": whole_numbers(definition.metadata),
                        }
                    ]
                }
                for name, definition in definitions.artifacts.items()
            },
            "outputFile": places.executor_output,
        },
    }


def _runtime_artifact(artifact: Artifact, uri: str) -> dict[str, Any]:
    metadata = whole_numbers(artifact.metadata)
    if uri != artifact.uri:  # it was fetched: the SDK must not look for it in a mounted workspace
        metadata.pop("_kfp_workspace", None)
    return {
        "name": artifact.name,
        "type": artifact.type.model_dump(exclude_none=True),
        "uri": uri,
        "metadata": metadata,
    }


def launch_file(
    command: LaunchAttempt,
    places: Places,
    *,
    argv: tuple[str, ...],
    env: dict[str, str],
    written: tuple[WrittenFile, ...] = (),
    inputs: Mapping[str, list[tuple[Artifact, str]]],
    files: Mapping[str, tuple[InputFile, ...]],
    grant: UploadGrant,
    uri_prefix: str,
    limits: Limits,
) -> LaunchFile:
    """All that the launcher has to know. `files` says what to fetch for a URI; `uri_prefix` is the
    bucket's."""
    prefix = key_prefix(command)
    return LaunchFile(
        launch_id=launch_id(command),
        argv=argv,
        env=env,
        cwd=places.work,
        dirs=(places.work, places.temporary, places.task_root, *_folders(inputs, files)),
        timeout_seconds=command.timeout_seconds,
        grace_seconds=limits.grace_seconds,
        log=LogPlan(
            path=str(places.folder / "log.txt"),
            key=prefix + "log.txt",
            limit_bytes=limits.log_limit_bytes,
            flush_seconds=limits.log_flush_seconds,
            inline_bytes=limits.log_inline_bytes,
        ),
        files=written,
        inputs=_fetched(inputs, files),
        executor_output=places.executor_output,
        output_parameters=_output_parameters(command, places),
        output_artifacts=_output_artifacts(command, places, uri_prefix),
        task_root=TaskRoot(
            path=places.task_root, uri=f"{uri_prefix}{prefix}".rstrip("/"), key=prefix.rstrip("/")
        ),
        upload=grant,
        result=ResultPlan(path=places.result, key=prefix + "result.json", upload=False),
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


def _output_parameters(command: LaunchAttempt, places: Places) -> tuple[OutputParameter, ...]:
    return tuple(
        OutputParameter(
            name=name,
            type=definition.parameter_type,
            path=places.output(name),
            optional=definition.is_optional,
        )
        for name, definition in command.output_definitions.parameters.items()
    )


def _output_artifacts(
    command: LaunchAttempt, places: Places, uri_prefix: str
) -> tuple[OutputArtifact, ...]:
    prefix = key_prefix(command)
    return tuple(
        OutputArtifact(
            name=name,
            path=places.output(name),
            handed_uri=places.output(name),
            uri=f"{uri_prefix}{prefix}{name}",
            key=prefix + name,
            type=ArtifactType.model_validate(definition.artifact_type.model_dump()),
            metadata=whole_numbers(definition.metadata),
            is_list=definition.is_artifact_list,
        )
        for name, definition in command.output_definitions.artifacts.items()
    )


def _folders(
    inputs: Mapping[str, list[tuple[Artifact, str]]], files: Mapping[str, object]
) -> tuple[str, ...]:
    """The places of input folders: they are there even when no file is in them."""
    return tuple(
        path
        for given in inputs.values()
        for artifact, path in given
        if artifact.content.kind == "directory" and artifact.uri in files
    )


def program_start(
    program: Program, places: Places, *, bare: bool = False
) -> tuple[tuple[str, ...], tuple[WrittenFile, ...]]:
    """The short command that starts a lightweight component as its shell would, and the files with
    what is long. Saves two shells, and takes arguments of any size: Linux allows one 128 KiB.

    `bare` is for a component of Headrace's own SDK in an environment without packages: it starts
    without `site`, for which its executor stands in."""
    arguments = ["--component_module_path", places.program, *program.arguments]
    start = (
        ("python3", *(("-S",) if bare else ()), "-c", _START_OWN_PROGRAM, places.arguments)
        if program.is_own
        else ("python3", "-c", _START_PROGRAM, places.arguments, program.module)
    )
    return (
        start,
        (
            WrittenFile(path=places.program, text=program.source),
            WrittenFile(path=places.arguments, text=json.dumps(arguments)),
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
"""What ``python3 -m MODULE ARGUMENTS`` does, with the arguments from a file."""


_START_OWN_PROGRAM = """\
import sys
from headrace.component.main import main_from_file
main_from_file(sys.argv[1])
"""
"""The same for Headrace's own executor, without what `runpy` imports."""


def environment(
    command: LaunchAttempt,
    places: Places,
    *,
    path: str,
    passed_on: Mapping[str, str],
    data_dir: str,
    env: Mapping[str, str],
) -> dict[str, str]:
    """The complete environment of the command: nothing of the executor's own reaches it. `env` is
    the component's, resolved; `data_dir` marks the process as one of this deployment."""
    return {
        **passed_on,
        "PATH": path,
        "HOME": places.work,
        "TMPDIR": places.temporary,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "HEADRACE_DATA_DIR": data_dir,
        "HEADRACE_LAUNCH_ID": launch_id(command),
        "HEADRACE_RUN_ID": str(command.run_id),
        "KFP_RETRY_INDEX": str(command.retry_index),
        **env,
    }

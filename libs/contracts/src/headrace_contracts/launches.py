"""The contract between executor and launcher: the launch file and the result manifest.

The launcher uses only the standard library and parses the JSON itself. These models are the
executor's side; contract tests check that both sides agree.
"""

from __future__ import annotations

from typing import Any, Literal

from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Failure
from headrace_contracts.values import Artifact, ArtifactType

STOP_MARK = ".stopping"
"""The file in an executor's work folder that says that the deployment is being stopped: what is
asked to stop then is repeated later at no cost. The executor removes it when it starts again."""


class InputFile(Contract):
    """One object to download. `path` is relative to the artifact's path; empty for the artifact
    itself."""

    path: str
    url: str


class InputArtifact(Contract):
    """An input artifact: its local path, which the command gets as its URI; its actual URI; and the
    objects to download."""

    name: str
    path: str
    uri: str
    files: tuple[InputFile, ...] = ()


class WrittenFile(Contract):
    """A file that the launcher writes before the command starts, for values that are too long for a
    command line."""

    path: str
    text: str


class OutputParameter(Contract):
    """An output parameter's type and the file that the command may write it to."""

    name: str
    type: str
    path: str
    optional: bool = False


class OutputArtifact(Contract):
    """An output artifact: where the command writes it and where it is uploaded."""

    name: str
    path: str
    handed_uri: str
    """The URI that the command got; a local path if it has no access to object storage."""
    uri: str
    key: str
    type: ArtifactType
    metadata: dict[str, Any] = {}
    is_list: bool = False
    """True for any number of artifacts, each with its own key below `key`."""


class TaskRoot(Contract):
    """The folder of the command's outputs, and where its content is uploaded."""

    path: str
    uri: str
    key: str


class UploadGrant(Contract):
    """A presigned POST that permits uploads below the execution's prefix and nothing else."""

    url: str
    fields: dict[str, str]


class LogPlan(Contract):
    """Where the log is written, and when it is uploaded."""

    path: str
    key: str
    limit_bytes: int
    flush_seconds: float
    inline_bytes: int = 0
    """A log that is no larger than this when the command ends, and was not uploaded before, is part
    of the manifest instead of an object."""


class ResultPlan(Contract):
    """Where the result manifest is written."""

    path: str
    key: str
    upload: bool = True
    """False if the executor reads `path` itself; the manifest is then uploaded only if it cannot be
    written there."""


class LaunchFile(Contract):
    """Everything that the launcher knows about its step."""

    v: Literal[1] = 1
    launch_id: str
    execution: int = 1
    """Which execution of its attempt this is; the manifest repeats it."""
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    dirs: tuple[str, ...]
    timeout_seconds: float | None = None
    grace_seconds: float
    log: LogPlan
    files: tuple[WrittenFile, ...] = ()
    inputs: tuple[InputArtifact, ...]
    executor_output: str
    output_parameters: tuple[OutputParameter, ...]
    output_artifacts: tuple[OutputArtifact, ...]
    task_root: TaskRoot | None = None
    upload: UploadGrant
    result: ResultPlan
    progress_path: str | None = None
    """Where the launcher writes its `Progress`."""
    stop_mark_path: str | None = None
    """A file that exists when the deployment is being stopped: a signal to stop then means that,
    and not that the attempt is canceled."""


class Progress(Contract):
    """What a launcher does at present, for the executor that follows it."""

    v: Literal[1] = 1
    command_ended: bool = False
    """Only transfers are left: the launch needs no room for its command any more."""
    waiting: str = ""
    """What it waits for, and since when, as a sentence for the user; empty if it does not wait."""


class ManifestLog(Contract):
    """The log when the launcher ended."""

    key: str
    bytes: int
    truncated: bool
    text: str | None = None
    """The whole log, if it was not uploaded; its end and the reason, if it could not be."""


class ResultManifest(Contract):
    """The authoritative result of one execution, written once, before its launcher ends."""

    v: Literal[1] = 1
    launch_id: str
    execution: int = 1
    state: Literal["SUCCEEDED", "FAILED"]
    exit_code: int | None = None
    signal: int | None = None
    failure: Failure | None = None
    retryable: bool = False
    """True if the platform failed, not the step."""
    deployment_stopped: bool = False
    """True if the step was stopped together with its deployment."""
    started_at: Instant | None = None
    finished_at: Instant
    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    log: ManifestLog | None = None

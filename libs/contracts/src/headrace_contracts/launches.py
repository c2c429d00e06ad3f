"""The contract between the executor and the launcher: the launch file and the result manifest.

The launcher is standard library only and reads the same JSON by hand; these models are the
executor's side, and the contract tests hold the two together.
"""

from __future__ import annotations

from typing import Any, Literal

from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Failure
from headrace_contracts.values import Artifact, ArtifactType


class InputFile(Contract):
    """One object to fetch; `path` is relative to the artifact's, or empty for the artifact."""

    path: str
    url: str


class InputArtifact(Contract):
    """An input artifact's local place, which the command sees as its URI, the URI that it has
    elsewhere, and what to fetch for it."""

    name: str
    path: str
    uri: str
    files: tuple[InputFile, ...] = ()


class WrittenFile(Contract):
    """A text that the launcher puts down before the command starts; so a command line stays short
    however large what it says is."""

    path: str
    text: str


class OutputParameter(Contract):
    """An output parameter's type and the file that the command may write it to."""

    name: str
    type: str
    path: str
    optional: bool = False


class OutputArtifact(Contract):
    """An output artifact: where the command leaves it and where it shall lie."""

    name: str
    path: str
    handed_uri: str
    """The URI that the command saw; a local path where the command cannot see object storage."""
    uri: str
    key: str
    type: ArtifactType
    metadata: dict[str, Any] = {}
    is_list: bool = False
    """Any number of artifacts, each with a key of its own below `key`."""


class TaskRoot(Contract):
    """The folder of the command's outputs, and where what lies in it shall lie."""

    path: str
    uri: str
    key: str


class UploadGrant(Contract):
    """A presigned POST for every key below the attempt's prefix; no other right comes with it."""

    url: str
    fields: dict[str, str]


class LogPlan(Contract):
    """Where the log goes while the command runs and when it has ended."""

    path: str
    key: str
    limit_bytes: int
    flush_seconds: float
    inline_bytes: int = 0
    """A log that has become no larger than this, and that nobody could look at before, is told in
    the manifest and not uploaded."""


class ResultPlan(Contract):
    """Where the result manifest goes."""

    path: str
    key: str
    upload: bool = True
    """False where whoever started the launcher reads `path`: the object store then only gets what
    does not fit there."""


class LaunchFile(Contract):
    """All that the launcher knows about its step."""

    v: Literal[1] = 1
    launch_id: str
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


class ManifestLog(Contract):
    """The log as it was left."""

    key: str
    bytes: int
    truncated: bool
    text: str | None = None
    """The whole log, where it was not uploaded."""


class ResultManifest(Contract):
    """The truth about an attempt's outputs, written once, before the launcher ends."""

    v: Literal[1] = 1
    launch_id: str
    state: Literal["SUCCEEDED", "FAILED"]
    exit_code: int | None = None
    signal: int | None = None
    failure: Failure | None = None
    started_at: Instant | None = None
    finished_at: Instant
    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    log: ManifestLog | None = None

"""Values passed between tasks: parameters are JSON, artifacts are references to objects."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from headrace_contracts.base import Contract


class ArtifactType(Contract):
    """The type of an artifact in the IR, such as ``system.Model`` of version 0.0.1."""

    schema_title: str | None = Field(default=None, alias="schemaTitle")
    schema_version: str | None = Field(default=None, alias="schemaVersion")
    instance_schema: str | None = Field(default=None, alias="instanceSchema")

    model_config = {**Contract.model_config, "populate_by_name": True, "serialize_by_alias": True}


class Content(Contract):
    """What is stored at an artifact's URI, if known."""

    kind: Literal["file", "directory", "none", "unknown"] = "unknown"
    bytes: int = 0
    files: int = 0


class Artifact(Contract):
    """An artifact: a reference to data in object storage, with a type and metadata."""

    name: str
    uri: str
    type: ArtifactType = ArtifactType()
    metadata: dict[str, Any] = {}
    content: Content = Content()
    artifact_id: UUID | None = None


class Inputs(Contract):
    """The resolved inputs of a task. An absent parameter was not passed."""

    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}


class Outputs(Contract):
    """The outputs of a task, all from one attempt."""

    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}


class BlobRef(Contract):
    """An object in the deployment's object store: key, size in bytes and SHA-256 in hex."""

    key: str
    bytes: int
    sha256: str

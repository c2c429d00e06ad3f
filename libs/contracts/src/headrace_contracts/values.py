"""Values that flow between tasks: parameters are JSON, artifacts are references to bytes."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from headrace_contracts.base import Contract


class ArtifactType(Contract):
    """An artifact's type as the IR names it, for instance ``system.Model`` of version 0.0.1."""

    schema_title: str | None = Field(default=None, alias="schemaTitle")
    schema_version: str | None = Field(default=None, alias="schemaVersion")
    instance_schema: str | None = Field(default=None, alias="instanceSchema")

    model_config = {**Contract.model_config, "populate_by_name": True, "serialize_by_alias": True}


class Content(Contract):
    """What lies at an artifact's URI, as far as is known."""

    kind: Literal["file", "directory", "none", "unknown"] = "unknown"
    bytes: int = 0
    files: int = 0


class Artifact(Contract):
    """One artifact: its name, type, place and metadata. Its bytes stay in object storage."""

    name: str
    uri: str
    type: ArtifactType = ArtifactType()
    metadata: dict[str, Any] = {}
    content: Content = Content()
    artifact_id: UUID | None = None


class Inputs(Contract):
    """A task's resolved inputs. A parameter that is absent here was not passed."""

    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}


class Outputs(Contract):
    """A task's outputs, all made by one attempt."""

    parameters: dict[str, Any] = {}
    artifacts: dict[str, tuple[Artifact, ...]] = {}


class BlobRef(Contract):
    """Bytes in the platform's object store: key, size and SHA-256 (hex)."""

    key: str
    bytes: int
    sha256: str

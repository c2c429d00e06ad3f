"""The fingerprint of a step: two executions with the same fingerprint have the same outputs.

Source: KFP's cache key (`api/v2alpha1/cache_key.proto`). Parts: the container's image and command
line before placeholders are resolved, the values of input parameters, the ids of input artifacts,
and the declared outputs. Not included: names, environment, resources, pipeline root.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from headrace_contracts.messages.events import Fingerprint
from headrace_contracts.values import Artifact, Inputs

from headrace_scheduler.core.plan import TaskPlan

_SHOWN_BYTES = 200
"""A longer part is published as its digest: parts are compared, and seldom read."""


def fingerprint(plan: TaskPlan, inputs: Inputs) -> Fingerprint:
    """The fingerprint of a step with these inputs."""
    parts = _parts(plan, inputs)
    return Fingerprint(
        digest=sha256(_json(parts).encode()).hexdigest(),
        parts={name: _abbreviated(value) for name, value in parts.items()},
    )


def _parts(plan: TaskPlan, inputs: Inputs) -> dict[str, Any]:
    key = plan.task.caching_options.cache_key
    if key:
        return {"component": plan.task.component_ref.name, "cacheKey": key}
    container = plan.container
    assert container is not None
    outputs = plan.component.output_definitions
    parts: dict[str, Any] = {
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "outputs.parameters": {
            name: definition.parameter_type for name, definition in outputs.parameters.items()
        },
        "outputs.artifacts": {
            name: [definition.artifact_type.model_dump(exclude_none=True), definition.metadata]
            for name, definition in outputs.artifacts.items()
        },
    }
    for name, value in inputs.parameters.items():
        parts[f"inputs.parameters.{name}"] = value
    for name, artifacts in inputs.artifacts.items():
        parts[f"inputs.artifacts.{name}"] = [_identity(artifact) for artifact in artifacts]
    return parts


def _identity(artifact: Artifact) -> str:
    return str(artifact.artifact_id or artifact.uri)


def _abbreviated(value: Any) -> Any:
    text = _json(value)
    return value if len(text) <= _SHOWN_BYTES else f"sha256:{sha256(text.encode()).hexdigest()}"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

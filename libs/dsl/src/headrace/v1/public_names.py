"""The names that version 1 adds to `headrace.dsl`, and the modules that define them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAMES = {
    "ContainerOp": "ops.container_op",
    "BaseOp": "ops.op",
    "InputArgumentPath": "ops.container_op",
    "PipelineConf": "pipeline_conf",
    "get_pipeline_conf": "pipeline_state",
    "PipelineParam": "signature",
    "RUN_ID_PLACEHOLDER": "signature",
    "EXECUTION_ID_PLACEHOLDER": "signature",
    "PipelineVolume": "volumes",
    "VolumeOp": "volumes",
    "VOLUME_MODE_RWO": "volumes",
    "VOLUME_MODE_RWM": "volumes",
    "VOLUME_MODE_ROM": "volumes",
    "Sidecar": "refused",
    "UserContainer": "refused",
    "InitContainer": "refused",
    "ResourceOp": "refused",
    "VolumeSnapshotOp": "refused",
    "graph_component": "refused",
}
"""Modules of `headrace.v1` by the names they define."""


def find(name: str) -> Any:
    """Import the module of a name and return the object.

    Raises:
        AttributeError: The name does not exist.
    """
    if name not in NAMES:
        raise AttributeError(f"module 'headrace.dsl' has no attribute {name!r}")
    return getattr(import_module(f"headrace.v1.{NAMES[name]}"), name)

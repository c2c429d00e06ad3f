"""Settings of a whole pipeline, and the task settings that can be passed to a function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_SIZE = re.compile(r"^(?:(?:0|[1-9]\d*)(?:\.\d+)?)(?:Ki|Mi|Gi|Ti|Pi|Ei|K|M|G|T|P|E)?$")
_INT32_MAX = 2**31 - 1


class KubernetesWorkspaceConfig:
    """How the workspace's volume is claimed: `pvcSpecPatch` is merged into the claim's spec."""

    def __init__(self, pvcSpecPatch: dict[str, Any] | None = None) -> None:
        self.pvcSpecPatch = pvcSpecPatch or {}

    def set_pvcSpecPatch(self, patch: dict[str, Any]) -> None:
        """Replace the patch."""
        self.pvcSpecPatch = patch


class WorkspaceConfig:
    """A folder that all steps of a run share.

    Args:
        size: A Kubernetes quantity of bytes, such as ``10Gi``.
        kubernetes: How the volume is claimed on Kubernetes.

    Raises:
        ValueError: The size is missing or not a quantity.
    """

    def __init__(self, size: str, kubernetes: KubernetesWorkspaceConfig | None = None) -> None:
        self.size = size
        self.kubernetes = kubernetes or KubernetesWorkspaceConfig()

    @property
    def size(self) -> str:
        """The quantity of bytes."""
        return self._size

    @size.setter
    def size(self, size: str) -> None:
        text = str(size or "").strip()
        if not text:
            raise ValueError("Workspace size is required and cannot be empty")
        if not _SIZE.match(text):
            raise ValueError(
                f'Workspace size "{size}" is invalid. Must be a valid Kubernetes resource '
                'quantity (e.g., "10Gi", "500Mi", "1Ti")'
            )
        self._size = text

    def set_size(self, size: str) -> None:
        """Replace the size."""
        self.size = size

    def set_kubernetes_config(self, kubernetes_config: KubernetesWorkspaceConfig) -> None:
        """Replace the settings for Kubernetes."""
        self.kubernetes = kubernetes_config

    def get_workspace(self) -> dict[str, Any]:
        """The workspace as JSON for the platform spec."""
        workspace: dict[str, Any] = {"size": self.size}
        if self.kubernetes:
            workspace["kubernetes"] = {"pvcSpecPatch": self.kubernetes.pvcSpecPatch}
        return workspace


class PipelineConfig:
    """Settings of a whole pipeline.

    Args:
        workspace: A folder that all steps share.
        ttl_seconds_after_finished: Seconds after which a finished run's resources are deleted.
        ttl_seconds_after_success: The same for a succeeded run; takes precedence.
        ttl_seconds_after_failure: The same for a failed run; takes precedence.
        active_deadline_seconds: Seconds after which a running run is terminated.

    Raises:
        TypeError: A number of seconds is not an int.
        ValueError: A number of seconds is negative or does not fit into an int32.
    """

    def __init__(
        self,
        workspace: WorkspaceConfig | None = None,
        ttl_seconds_after_finished: int | None = None,
        ttl_seconds_after_success: int | None = None,
        ttl_seconds_after_failure: int | None = None,
        active_deadline_seconds: int | None = None,
    ) -> None:
        self.workspace = workspace
        self.ttl_seconds_after_finished = _seconds(
            "ttl_seconds_after_finished", ttl_seconds_after_finished
        )
        self.ttl_seconds_after_success = _seconds(
            "ttl_seconds_after_success", ttl_seconds_after_success
        )
        self.ttl_seconds_after_failure = _seconds(
            "ttl_seconds_after_failure", ttl_seconds_after_failure
        )
        self.active_deadline_seconds = _seconds("active_deadline_seconds", active_deadline_seconds)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON for the platform spec."""
        values = {
            "resourceTtlOnCompletion": self.ttl_seconds_after_finished,
            "resourceTtlOnSuccess": self.ttl_seconds_after_success,
            "resourceTtlOnFailure": self.ttl_seconds_after_failure,
            "activeDeadlineSeconds": self.active_deadline_seconds,
        }
        config: dict[str, Any] = {key: value for key, value in values.items() if value}
        if self.workspace is not None:
            config["workspace"] = self.workspace.get_workspace()
        return config


def _seconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int. Got: {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} must be a non-negative integer. Got: {value}")
    if value > _INT32_MAX:
        raise ValueError(f"{name} must not exceed the int32 maximum ({_INT32_MAX}). Got: {value}")
    return value


class TaskConfigField(IntEnum):
    """A task setting that can be passed to the function as a field of `dsl.TaskConfig`."""

    RESOURCES = 1
    ENV = 2
    KUBERNETES_AFFINITY = 3
    KUBERNETES_TOLERATIONS = 4
    KUBERNETES_NODE_SELECTOR = 5
    KUBERNETES_VOLUMES = 6


@dataclass
class TaskConfigPassthrough:
    """A task setting to pass to the function, and whether the task's own pod gets it too."""

    field: TaskConfigField
    apply_to_task: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The passthrough as JSON for the IR."""
        written: dict[str, Any] = {"field": TaskConfigField(self.field).name}
        if self.apply_to_task:
            written["applyToTask"] = True
        return written

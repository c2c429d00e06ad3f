"""Settings of a whole pipeline in version 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace import kubernetes
from headrace.graph.config import PipelineConfig
from headrace.graph.pipeline import Pipeline
from headrace.graph.task import PipelineTask
from headrace.v1 import refused
from headrace.v1.kubernetes_objects import field_of


class PipelineConf:
    """Settings of all ops of a pipeline, and of the pipeline as a whole."""

    def __init__(self) -> None:
        self.op_transformers: list[Callable[[Any], Any]] = []
        self._settings: list[Callable[[PipelineTask], Any]] = []
        self._timeout: int | None = None
        self._ttl: int | None = None

    def add_op_transformer(self, transformer: Callable[[Any], Any]) -> None:
        """Add a function that is called with every op when the pipeline is compiled."""
        self.op_transformers.append(transformer)

    def set_image_pull_secrets(self, image_pull_secrets: Sequence[Any]) -> PipelineConf:
        """Set the Secrets with which images are pulled: names, or objects with a `name`."""
        names = [
            each if isinstance(each, str) else field_of(each, "name") for each in image_pull_secrets
        ]
        self._settings.append(lambda op: kubernetes.set_image_pull_secrets(op, names))
        return self

    def set_timeout(self, seconds: int) -> PipelineConf:
        """Limit a run's duration in seconds."""
        self._timeout = seconds
        return self

    def set_ttl_seconds_after_finished(self, seconds: int) -> PipelineConf:
        """Set after how many seconds a finished run's resources are deleted."""
        self._ttl = seconds
        return self

    def set_default_pod_node_selector(self, label_name: str, value: str) -> PipelineConf:
        """Run ops only on nodes with a label, unless an op sets the same label itself."""

        def select(op: PipelineTask) -> None:
            labels = op.platform_config.get("kubernetes", {}).get("nodeSelector", {})
            if label_name not in labels.get("labels", {}):
                kubernetes.add_node_selector(op, label_name, value)

        self._settings.append(select)
        return self

    def set_image_pull_policy(self, policy: str) -> PipelineConf:
        """Set when images are pulled: ``Always``, ``Never`` or ``IfNotPresent``."""

        def pull(op: PipelineTask) -> None:
            if "imagePullPolicy" not in op.platform_config.get("kubernetes", {}):
                kubernetes.set_image_pull_policy(op, policy)

        self._settings.append(pull)
        return self

    def __getattr__(self, name: str) -> Any:
        return refused.refusing("PipelineConf", refused.OF_CONF, name)

    def apply(self, pipeline: Pipeline, config: PipelineConfig | None) -> Any:
        """Apply the settings to the pipeline's steps; returns the settings of the whole pipeline.

        Raises:
            ValueError: A transformer returned another op than the one it was called with.
        """
        for task in list(pipeline.tasks.values()):
            container = task.container_spec
            if container is None or container.image.startswith("argostub/"):
                continue
            for setting in self._settings:
                setting(task)
            for transformer in self.op_transformers:
                if transformer(task) not in (None, task):
                    raise ValueError(
                        f"An op transformer has returned another op than {task.name!r}, with which "
                        "it was called. Change that op in place, and return it or None."
                    )
        if self._timeout is None and self._ttl is None:
            return config
        config = config or PipelineConfig()
        return PipelineConfig(
            workspace=config.workspace,
            ttl_seconds_after_finished=self._ttl or config.ttl_seconds_after_finished,
            ttl_seconds_after_success=config.ttl_seconds_after_success,
            ttl_seconds_after_failure=config.ttl_seconds_after_failure,
            active_deadline_seconds=self._timeout or config.active_deadline_seconds,
        )

"""Settings of ops for Google Cloud, like `kfp.gcp` of version 1.

Each function returns a transformer, to be passed to an op's `.apply()` or to
``dsl.get_pipeline_conf().add_op_transformer()``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from headrace import kubernetes
from headrace.graph.task import PipelineTask

Transformer = Callable[[PipelineTask], PipelineTask]
_VARIABLES = ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE")


def use_gcp_secret(
    secret_name: str = "user-gcp-sa",  # noqa: S107 the name of a Secret, not a secret
    secret_file_path_in_volume: str | None = None,
    volume_name: str | None = None,
    secret_volume_mount_path: str = "/secret/gcp-credentials",  # noqa: S107 a folder
) -> Transformer:
    """Give a step the credentials of a service account, from a file in a Secret.

    The environment variables `GOOGLE_APPLICATION_CREDENTIALS` and
    `CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE` are set to the file's path. The Secret is optional: a
    step runs without it when it is missing.

    Args:
        secret_name: The name of the Secret.
        secret_file_path_in_volume: The file in the Secret, such as ``/key.json``; default
            ``/<secret_name>.json``.
        volume_name: Ignored, accepted for compatibility.
        secret_volume_mount_path: The path to mount the Secret at.

    Raises:
        ValueError: The file's path does not start with a slash.
    """
    file = secret_file_path_in_volume or f"/{secret_name}.json"
    if not file.startswith("/"):
        raise ValueError(f"secret_file_path_in_volume must start with a slash. Got: {file!r}")

    def transform(task: PipelineTask) -> PipelineTask:
        if task.container_spec is not None:
            kubernetes.use_secret_as_volume(
                task, secret_name, secret_volume_mount_path, optional=True
            )
            for variable in _VARIABLES:
                task.set_env_variable(variable, secret_volume_mount_path + file)
        return task

    return transform


def use_preemptible_nodepool(toleration: Any = None, hard_constraint: bool = False) -> Transformer:
    """Let a step run on preemptible nodes, which can be terminated at any time.

    Args:
        toleration: A `V1Toleration` or an equivalent dict; default a toleration of the taint
            ``preemptible=true:NoSchedule``.
        hard_constraint: Whether to require preemptible nodes instead of preferring them.
    """
    from headrace.v1.kubernetes_objects import field_of

    given = toleration or {
        "key": "preemptible", "operator": "Equal", "value": "true", "effect": "NoSchedule"
    }  # fmt: skip

    def transform(task: PipelineTask) -> PipelineTask:
        kubernetes.add_toleration(
            task,
            key=field_of(given, "key"),
            operator=field_of(given, "operator"),
            value=field_of(given, "value"),
            effect=field_of(given, "effect"),
        )
        label = {"key": "cloud.google.com/gke-preemptible", "operator": "In", "values": ["true"]}
        kubernetes.add_node_affinity(task, [label], weight=None if hard_constraint else 50)
        return task

    return transform


def use_tpu(*_: Any, **__: Any) -> NoReturn:
    """Refused: the platform spec does not support the annotation that provides TPUs.

    Raises:
        NotInIRError: Always.
    """
    from headrace.v1.refused import refuse

    refuse(
        "gcp.use_tpu",
        "Use `.add_node_selector_constraint()` and `.container.add_resource_limit("
        "'google.com/tpu', n)` with a node pool that has TPUs.",
    )

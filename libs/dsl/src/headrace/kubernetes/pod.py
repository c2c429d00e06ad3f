"""Settings of a step's pod: labels, images, environment, user, timeout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.kubernetes import settings


def add_pod_label(task: PipelineTask, label_key: str, label_value: str) -> PipelineTask:
    """Add a label to the pod."""
    return _metadata(task, "labels", label_key, label_value)


def add_pod_annotation(
    task: PipelineTask, annotation_key: str, annotation_value: str
) -> PipelineTask:
    """Add an annotation to the pod."""
    return _metadata(task, "annotations", annotation_key, annotation_value)


def _metadata(task: PipelineTask, kind: str, key: str, value: str) -> PipelineTask:
    metadata = settings.of_task(task).setdefault("podMetadata", {}).setdefault(kind, {})
    metadata[settings.check_str(key, "key")] = settings.check_str(value, "value")
    return task


def use_field_path_as_env(task: PipelineTask, env_name: str, field_path: str) -> PipelineTask:
    """Put a field of the pod, such as ``metadata.name``, into an environment variable."""
    written = settings.without_empty(
        name=settings.check_str(env_name, "env_name"),
        fieldPath=settings.check_str(field_path, "field_path"),
    )
    settings.list_of(task, "fieldPathAsEnv").append(written)
    return task


def set_image_pull_secrets(
    task: PipelineTask, secret_names: Sequence[str | PipelineParameterChannel]
) -> PipelineTask:
    """Add the Secrets with which the image is pulled."""
    written: list[Any] = [settings.object_name("secretName", name, task) for name in secret_names]
    if written:
        settings.list_of(task, "imagePullSecret").extend(written)
    else:
        settings.of_task(task)
    return task


def set_image_pull_policy(task: PipelineTask, policy: str) -> PipelineTask:
    """Set when the image is pulled: ``Always``, ``Never`` or ``IfNotPresent``.

    Raises:
        ValueError: The policy is not one of these.
    """
    if policy not in ("Always", "Never", "IfNotPresent"):
        raise ValueError(
            "Invalid imagePullPolicy. Must be one of `Always`, `Never`, `IfNotPresent`. Got: "
            f"{policy!r}"
        )
    settings.of_task(task)["imagePullPolicy"] = policy
    return task


def set_timeout(task: PipelineTask, seconds: int) -> PipelineTask:
    """Limit the pod's duration in seconds; 0 removes the limit.

    Raises:
        ValueError: The number is negative.
    """
    if settings.check_int(seconds, "seconds") < 0:
        raise ValueError(
            'Argument for "seconds" must be an integer greater or equals to 0. Got invalid input: '
            f"{seconds}."
        )
    if seconds:
        settings.of_task(task)["activeDeadlineSeconds"] = str(seconds)
    else:
        settings.of_task(task).pop("activeDeadlineSeconds", None)
    return task


def set_security_context(
    task: PipelineTask,
    run_as_user: int | None = None,
    run_as_group: int | None = None,
    run_as_non_root: bool | None = None,
) -> PipelineTask:
    """Set the user and group that the container runs as.

    Raises:
        ValueError: No field is given, or an id is negative.
        TypeError: An id is not an int, or `run_as_non_root` is not a bool.
    """
    if run_as_user is None and run_as_group is None and run_as_non_root is None:
        raise ValueError("At least one security context field must be provided.")
    context: settings.Json = {}
    for key, name, value in (
        ("runAsUser", "run_as_user", run_as_user),
        ("runAsGroup", "run_as_group", run_as_group),
    ):
        if value is not None:
            if settings.check_int(value, f'Argument for "{name}"') < 0:
                raise ValueError(
                    f'Argument for "{name}" must be greater than or equal to 0. Got invalid '
                    f"input: {value}."
                )
            context[key] = str(value)
    if run_as_non_root is not None:
        if not isinstance(run_as_non_root, bool):
            raise TypeError(
                'Argument for "run_as_non_root" must be a bool. Got: '
                f"{type(run_as_non_root).__name__}."
            )
        context["runAsNonRoot"] = run_as_non_root
    settings.of_task(task).setdefault("securityContext", {}).update(context)
    return task

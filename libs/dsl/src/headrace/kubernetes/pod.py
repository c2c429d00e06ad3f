"""Settings of a step's pod: labels, images, environment, user, time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.dsl.channels import PipelineParameterChannel
from headrace.dsl.task import PipelineTask
from headrace.kubernetes import common


def add_pod_label(task: PipelineTask, label_key: str, label_value: str) -> PipelineTask:
    """Add a label to the pod."""
    return _metadata(task, "labels", label_key, label_value)


def add_pod_annotation(
    task: PipelineTask, annotation_key: str, annotation_value: str
) -> PipelineTask:
    """Add an annotation to the pod."""
    return _metadata(task, "annotations", annotation_key, annotation_value)


def _metadata(task: PipelineTask, kind: str, key: str, value: str) -> PipelineTask:
    metadata = common.settings(task).setdefault("podMetadata", {}).setdefault(kind, {})
    metadata[common.text(key, "key")] = common.text(value, "value")
    return task


def use_field_path_as_env(task: PipelineTask, env_name: str, field_path: str) -> PipelineTask:
    """Put a field of the pod, such as ``metadata.name``, into an environment variable."""
    written = common.filled(
        name=common.text(env_name, "env_name"), fieldPath=common.text(field_path, "field_path")
    )
    common.entries(task, "fieldPathAsEnv").append(written)
    return task


def set_image_pull_secrets(
    task: PipelineTask, secret_names: Sequence[str | PipelineParameterChannel]
) -> PipelineTask:
    """Add the Secrets that the image is pulled with."""
    written: list[Any] = [common.named("secretName", name, task) for name in secret_names]
    if written:
        common.entries(task, "imagePullSecret").extend(written)
    else:
        common.settings(task)
    return task


def set_image_pull_policy(task: PipelineTask, policy: str) -> PipelineTask:
    """When the image is pulled: ``Always``, ``Never`` or ``IfNotPresent``.

    Raises:
        ValueError: it is another word.
    """
    if policy not in ("Always", "Never", "IfNotPresent"):
        raise ValueError(
            "Invalid imagePullPolicy. Must be one of `Always`, `Never`, `IfNotPresent`. Got: "
            f"{policy!r}"
        )
    common.settings(task)["imagePullPolicy"] = policy
    return task


def set_timeout(task: PipelineTask, seconds: int) -> PipelineTask:
    """The seconds that the pod may take; 0 takes the limit away.

    Raises:
        ValueError: it is negative.
    """
    if common.integer(seconds, "seconds") < 0:
        raise ValueError(
            'Argument for "seconds" must be an integer greater or equals to 0. Got invalid input: '
            f"{seconds}."
        )
    if seconds:
        common.settings(task)["activeDeadlineSeconds"] = str(seconds)
    else:
        common.settings(task).pop("activeDeadlineSeconds", None)
    return task


def set_security_context(
    task: PipelineTask,
    run_as_user: int | None = None,
    run_as_group: int | None = None,
    run_as_non_root: bool | None = None,
) -> PipelineTask:
    """As whom the container runs.

    Raises:
        ValueError: nothing is given, or an id is negative.
        TypeError: an id is not an int, or `run_as_non_root` is not a bool.
    """
    if run_as_user is None and run_as_group is None and run_as_non_root is None:
        raise ValueError("At least one security context field must be provided.")
    context: common.Json = {}
    for key, name, value in (
        ("runAsUser", "run_as_user", run_as_user),
        ("runAsGroup", "run_as_group", run_as_group),
    ):
        if value is not None:
            if common.integer(value, f'Argument for "{name}"') < 0:
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
    common.settings(task).setdefault("securityContext", {}).update(context)
    return task

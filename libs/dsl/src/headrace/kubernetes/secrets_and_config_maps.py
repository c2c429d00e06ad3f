"""Secrets and config maps, as environment variables and files."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.kubernetes import settings

Name = str | PipelineParameterChannel


def use_secret_as_env(
    task: PipelineTask, secret_name: Name, secret_key_to_env: dict[str, str], optional: bool = False
) -> PipelineTask:
    """Put values of a Secret into environment variables: of each key into the variable it names.
    An optional one may be missing."""
    return _as_env(task, "secret", secret_name, secret_key_to_env, optional)


def use_secret_as_volume(
    task: PipelineTask, secret_name: Name, mount_path: str, optional: bool = False
) -> PipelineTask:
    """Put the values of a Secret into files in a folder. An optional one may be missing."""
    return _as_volume(task, "secret", secret_name, mount_path, optional)


def use_config_map_as_env(
    task: PipelineTask,
    config_map_name: Name,
    config_map_key_to_env: dict[str, str],
    optional: bool = False,
) -> PipelineTask:
    """Put values of a ConfigMap into environment variables: of each key into the variable it names.
    An optional one may be missing."""
    return _as_env(task, "configMap", config_map_name, config_map_key_to_env, optional)


def use_config_map_as_volume(
    task: PipelineTask, config_map_name: Name, mount_path: str, optional: bool = False
) -> PipelineTask:
    """Put the values of a ConfigMap into files in a folder. An optional one may be missing."""
    return _as_volume(task, "configMap", config_map_name, mount_path, optional)


def _as_env(
    task: PipelineTask, kind: str, name: Any, keys: dict[str, str], optional: bool
) -> PipelineTask:
    written = settings.named(f"{kind}Name", name, task)
    written["optional"] = bool(optional)
    keys_to_env = settings.environment(keys, f"{kind}Key")
    if keys_to_env:
        written["keyToEnv"] = keys_to_env
    settings.entries(task, f"{kind}AsEnv").append(written)
    return task


def _as_volume(
    task: PipelineTask, kind: str, name: Any, mount_path: str, optional: bool
) -> PipelineTask:
    written = settings.named(f"{kind}Name", name, task)
    written["optional"] = bool(optional)
    written.update(settings.filled(mountPath=settings.text(mount_path, "mount_path")))
    settings.entries(task, f"{kind}AsVolume").append(written)
    return task

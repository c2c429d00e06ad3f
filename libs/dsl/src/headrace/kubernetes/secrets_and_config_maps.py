"""Secrets and ConfigMaps as environment variables and files."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.kubernetes import settings

Name = str | PipelineParameterChannel


def use_secret_as_env(
    task: PipelineTask, secret_name: Name, secret_key_to_env: dict[str, str], optional: bool = False
) -> PipelineTask:
    """Set environment variables from a Secret: a dict of variable names by key. An optional Secret
    can be missing."""
    return _as_env(task, "secret", secret_name, secret_key_to_env, optional)


def use_secret_as_volume(
    task: PipelineTask, secret_name: Name, mount_path: str, optional: bool = False
) -> PipelineTask:
    """Mount a Secret as a folder with one file for each key. An optional Secret can be missing."""
    return _as_volume(task, "secret", secret_name, mount_path, optional)


def use_config_map_as_env(
    task: PipelineTask,
    config_map_name: Name,
    config_map_key_to_env: dict[str, str],
    optional: bool = False,
) -> PipelineTask:
    """Set environment variables from a ConfigMap: a dict of variable names by key. An optional
    ConfigMap can be missing."""
    return _as_env(task, "configMap", config_map_name, config_map_key_to_env, optional)


def use_config_map_as_volume(
    task: PipelineTask, config_map_name: Name, mount_path: str, optional: bool = False
) -> PipelineTask:
    """Mount a ConfigMap as a folder with one file for each key. An optional ConfigMap can be
    missing."""
    return _as_volume(task, "configMap", config_map_name, mount_path, optional)


def _as_env(
    task: PipelineTask, kind: str, name: Any, keys: dict[str, str], optional: bool
) -> PipelineTask:
    written = settings.object_name(f"{kind}Name", name, task)
    written["optional"] = bool(optional)
    keys_to_env = settings.keys_to_env(keys, f"{kind}Key")
    if keys_to_env:
        written["keyToEnv"] = keys_to_env
    settings.list_of(task, f"{kind}AsEnv").append(written)
    return task


def _as_volume(
    task: PipelineTask, kind: str, name: Any, mount_path: str, optional: bool
) -> PipelineTask:
    written = settings.object_name(f"{kind}Name", name, task)
    written["optional"] = bool(optional)
    written.update(settings.without_empty(mountPath=settings.check_str(mount_path, "mount_path")))
    settings.list_of(task, f"{kind}AsVolume").append(written)
    return task

"""What Kubernetes settings of a step mean where there is no cluster.

Settings that say how a pod is placed or built are accepted and have no effect. What the step's
own code relies on is provided, or the step fails with words: it must not run without it.
Source: `kubernetes_executor_config.proto` of Kubeflow Pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace_contracts.commands import LaunchAttempt

from headrace_executor.core.launch import launch_id

_OPTIONAL_SOURCES = {
    "secretAsEnv": ("the secret", "secretName"),
    "secretAsVolume": ("the secret", "secretName"),
    "configMapAsEnv": ("the config map", "configMapName"),
    "configMapAsVolume": ("the config map", "configMapName"),
}
_FOLDERS = {
    "emptyDirMounts": "the empty folder",
    "genericEphemeralVolume": "the ephemeral volume",
}
_MAP_ENTRY = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>[^']+)'\]")
_RUN_NAME = "pipelines.kubeflow.org/run_name"
_RUN_ID = "pipeline/runid"


class PlatformError(ValueError):
    """The step needs what only a Kubernetes cluster has; the message says what."""


@dataclass(frozen=True, slots=True)
class Provision:
    """What a step gets for its platform settings: variables, and folders that have to exist and
    be writable, each with what it stands for."""

    env: Mapping[str, str]
    folders: Mapping[str, str]


def provision(command: LaunchAttempt, host: str) -> Provision:
    """What the platform settings of a launch come to on the machine `host`.

    Raises:
        PlatformError: a setting that the step cannot do without.
    """
    settings = command.platform
    for setting, (what, key) in _OPTIONAL_SOURCES.items():
        for entry in _entries(settings, setting):
            if not entry.get("optional"):
                raise _needs_cluster(setting, what, _name(entry, key))
    for entry in _entries(settings, "pvcMount"):
        name = _name(entry, "pvcName") or _name(entry, "constant")
        raise _needs_cluster("pvcMount", "the persistent volume claim", name)
    for entry in _entries(settings, "initContainers"):
        raise _needs_cluster("initContainers", "the init container", entry.get("name"))
    return Provision(
        env={
            str(entry.get("name")): _field(command, str(entry.get("fieldPath")), host)
            for entry in _entries(settings, "fieldPathAsEnv")
        },
        folders={
            str(entry["mountPath"]): f"{what} {entry.get('volumeName', '')!r} ({setting})"
            for setting, what in _FOLDERS.items()
            for entry in _entries(settings, setting)
            if entry.get("mountPath")
        },
    )


def _entries(settings: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = settings.get(name) or []
    return [entry for entry in found if isinstance(entry, Mapping)]


def _name(entry: Mapping[str, Any], key: str) -> str | None:
    """A name that is given as it is, or as a constant of a parameter."""
    parameter = entry.get(f"{key}Parameter") or {}
    constant = (parameter.get("runtimeValue") or {}).get("constant")
    return entry.get(key) or constant


def _needs_cluster(setting: str, what: str, name: object) -> PlatformError:
    named = f"{what} {name!r}" if name else what
    return PlatformError(
        f"the step needs {named} ({setting}), and there is none without a Kubernetes cluster"
    )


def _field(command: LaunchAttempt, path: str, host: str) -> str:
    """The nearest thing to a pod's field."""
    pod = command.platform.get("podMetadata") or {}
    values = {
        "metadata.name": launch_id(command),
        "metadata.uid": str(command.task_id),
        "metadata.namespace": command.namespace,
        "spec.nodeName": host,
        "spec.serviceAccountName": "default",
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
    }
    if path in values:
        return values[path]
    entry = _MAP_ENTRY.fullmatch(path)
    if entry is None:
        raise PlatformError(
            f"the step asks for its pod's {path!r} (fieldPathAsEnv), and has no pod without a "
            "Kubernetes cluster"
        )
    known = {
        "annotations": {_RUN_NAME: command.run_display_name},
        "labels": {_RUN_ID: str(command.run_id)},
    }[entry["map"]]
    return str({**known, **(pod.get(entry["map"]) or {})}.get(entry["key"], ""))

"""What a step's Kubernetes settings mean where there is no cluster.

Settings for scheduling or building a pod are accepted and have no effect. What the step's own code
relies on is provided, or the step fails with an error: it must not run without it.
Secrets and config maps are folders of the deployment, with one file for each key.
Source: `kubernetes_executor_config.proto` of Kubeflow Pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace_contracts.messages.commands import LaunchAttempt

from headrace_executor.core.execution import attempt_id

SECRETS, CONFIG_MAPS = "secrets", "config-maps"
_SOURCES = {
    "secretAsEnv": (SECRETS, "the secret", "secretName"),
    "secretAsVolume": (SECRETS, "the secret", "secretName"),
    "configMapAsEnv": (CONFIG_MAPS, "the config map", "configMapName"),
    "configMapAsVolume": (CONFIG_MAPS, "the config map", "configMapName"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
"""Names of Kubernetes objects; none of them is a path out of its folder."""
_FOLDERS = {
    "emptyDirMounts": "the empty folder",
    "genericEphemeralVolume": "the ephemeral volume",
}
_MAP_ENTRY = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>[^']+)'\]")
_RUN_NAME = "pipelines.kubeflow.org/run_name"
_RUN_ID = "pipeline/runid"


class PlatformError(ValueError):
    """The step needs something that only a Kubernetes cluster has; the message says what."""


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """A secret or config map of the deployment: its folder, and its values by key."""

    folder: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of files that a step expects at `path`, where it cannot be mounted."""

    path: str
    folder: str | None
    """The folder that has the files; None for an optional secret or config map that does not
    exist."""
    what: str
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Provision:
    """What a step gets for its platform settings: variables, folders that must exist and be
    writable (each with a description of the setting), and mounts."""

    env: Mapping[str, str]
    folders: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()


def requested_key_folders(command: LaunchAttempt) -> list[tuple[str, str]]:
    """The secrets and config maps that a launch refers to: kind (folder name) and name."""
    found = [
        (kind, _name(entry, key) or "")
        for setting, (kind, _, key) in _SOURCES.items()
        for entry in _entries(command.platform, setting)
    ]
    return [(kind, name) for kind, name in found if _NAME.fullmatch(name)]


def mounted_paths(env: Mapping[str, str], mounts: tuple[Mount, ...]) -> dict[str, str]:
    """`env`, with each path of a mounted file replaced by the path that the file has here.

    A variable with a path of an optional secret or config map that does not exist is left out, so
    that a tool looks elsewhere.

    Raises:
        PlatformError: a mount is required, and no variable has a path in it.
    """
    found = dict(env)
    for mount in mounts:
        path = mount.path.rstrip("/")
        names = [name for name, text in env.items() if f"{text}/".startswith(f"{path}/")]
        for name in names:
            if mount.folder is None:
                del found[name]
            else:
                found[name] = mount.folder + env[name][len(path) :]
        if mount.is_needed and not names:
            raise PlatformError(
                f"the step needs {mount.what} at {mount.path!r}, which cannot be mounted without a "
                "Kubernetes cluster; pass the path of its files in an environment variable"
            )
    return found


def provision(
    command: LaunchAttempt,
    host: str,
    key_folders: Mapping[tuple[str, str], KeyFolder] | None = None,
) -> Provision:
    """What the platform settings of a launch mean on the machine `host`. `key_folders` are the
    secrets and config maps that the deployment has.

    Raises:
        PlatformError: a setting that the step needs is not available.
    """
    settings = command.platform
    sources = _Sources(command.namespace, key_folders or {})
    for setting, (kind, what, key) in _SOURCES.items():
        for entry in _entries(settings, setting):
            sources.add(setting, (kind, _name(entry, key) or ""), what, entry)
    for entry in _entries(settings, "pvcMount"):
        name = _name(entry, "pvcName") or _name(entry, "constant")
        raise _needs_cluster("pvcMount", "the persistent volume claim", name)
    for entry in _entries(settings, "initContainers"):
        raise _needs_cluster("initContainers", "the init container", entry.get("name"))
    return Provision(
        env=sources.env
        | {
            str(entry.get("name")): _field(command, str(entry.get("fieldPath")), host)
            for entry in _entries(settings, "fieldPathAsEnv")
        },
        folders={
            str(entry["mountPath"]): f"{what} {entry.get('volumeName', '')!r} ({setting})"
            for setting, what in _FOLDERS.items()
            for entry in _entries(settings, setting)
            if entry.get("mountPath")
        },
        mounts=tuple(sources.mounts),
    )


@dataclass
class _Sources:
    """Collects the variables and mounts of secrets and config maps."""

    namespace: str
    key_folders: Mapping[tuple[str, str], KeyFolder]
    env: dict[str, str] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)

    def add(
        self, setting: str, source: tuple[str, str], what: str, entry: Mapping[str, Any]
    ) -> None:
        """Add one setting."""
        found, is_optional = self.key_folders.get(source), bool(entry.get("optional"))
        kind, name = source
        named = f"{what} {name!r} ({setting})"
        if found is None and not is_optional:
            raise PlatformError(
                f"the step needs {named}, which this deployment does not have; create the folder "
                f"{kind}/{self.namespace}/{name or 'NAME'} in its data folder, with a file for "
                "each key"
            )
        if setting.endswith("AsVolume"):
            folder = None if found is None else found.folder
            path = str(entry.get("mountPath"))
            self.mounts.append(Mount(path, folder, named, is_needed=not is_optional))
            return
        values = {} if found is None else found.values
        for pair in _entries(entry, "keyToEnv"):
            key = str(pair.get("secretKey") or pair.get("configMapKey"))
            if key in values:
                self.env[str(pair.get("envVar"))] = values[key]
            elif not is_optional:
                raise PlatformError(f"the step needs the key {key!r}, which {named} does not have")


def _entries(settings: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = settings.get(name) or []
    return [entry for entry in found if isinstance(entry, Mapping)]


def _name(entry: Mapping[str, Any], key: str) -> str | None:
    """A name that is given directly, or as a constant parameter."""
    parameter = entry.get(f"{key}Parameter") or {}
    constant = (parameter.get("runtimeValue") or {}).get("constant")
    return entry.get(key) or constant


def _needs_cluster(setting: str, what: str, name: object) -> PlatformError:
    named = f"{what} {name!r}" if name else what
    return PlatformError(
        f"the step needs {named} ({setting}), which does not exist without a Kubernetes cluster"
    )


def _field(command: LaunchAttempt, path: str, host: str) -> str:
    """The closest equivalent of a field of the pod."""
    pod = command.platform.get("podMetadata") or {}
    values = {
        "metadata.name": attempt_id(command),
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
            f"the step needs the field {path!r} of its pod (fieldPathAsEnv), which does not exist "
            "without a Kubernetes cluster"
        )
    known = {
        "annotations": {_RUN_NAME: command.run_display_name},
        "labels": {_RUN_ID: str(command.run_id)},
    }[entry["map"]]
    return str({**known, **(pod.get(entry["map"]) or {})}.get(entry["key"], ""))

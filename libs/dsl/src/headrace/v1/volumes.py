"""Volumes of version 1: created by a task, mounted by ops, and passed from one op to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headrace import kubernetes
from headrace.graph.task import PipelineTask
from headrace.kubernetes.volumes import CreatePVC, DeletePVC
from headrace.v1 import refused
from headrace.v1.kubernetes_objects import field_of, to_json
from headrace.v1.pipeline_state import required_state

VOLUME_MODE_RWO = ["ReadWriteOnce"]
VOLUME_MODE_RWM = ["ReadWriteMany"]
VOLUME_MODE_ROM = ["ReadOnlyMany"]


class PipelineVolume:
    """A volume, and the tasks that have to finish before it is mounted.

    Args:
        pvc: The name of a volume claim; can be a task's output.
        volume: A `V1Volume` or an equivalent dict, instead of a claim.
        name: The volume's display name.
    """

    def __init__(
        self, pvc: Any = None, volume: Any = None, name: str | None = None, **fields: Any
    ) -> None:
        claim = fields.get("persistent_volume_claim")
        if claim is not None:
            pvc = field_of(claim, "claim_name")
        if pvc is None and volume is None:
            refused.refuse(
                "A dsl.PipelineVolume without `pvc` or `volume`",
                "Pass the name of a volume claim, or a V1Volume.",
            )
        self.pvc = pvc
        self.source = volume
        self.name = name
        self.dependent_tasks: list[Any] = []

    @classmethod
    def of(cls, volume: Any) -> PipelineVolume:
        """Convert a `V1Volume`; a `PipelineVolume` is returned unchanged."""
        return volume if isinstance(volume, cls) else cls(volume=volume)

    def after(self, *ops: Any) -> PipelineVolume:
        """The same volume, to be mounted after more tasks."""
        later = PipelineVolume(self.pvc, self.source, self.name)
        later.dependent_tasks = [*self.dependent_tasks, *ops]
        return later

    def mounted(self, op: PipelineTask, path: str) -> PipelineVolume:
        """Mount the volume in an op; returns the volume to be mounted after that op."""
        op.after(*self.dependent_tasks)
        if self.pvc is not None:
            kubernetes.mount_pvc(op, self.pvc, path)
        else:
            mount(op, self.source, {"mountPath": path})
        later = PipelineVolume(self.pvc, self.source, self.name)
        later.dependent_tasks = [op]
        return later


def mount(op: PipelineTask, volume: Any, volume_mount: Any) -> None:
    """Mount a `V1Volume` according to a `V1VolumeMount`.

    Raises:
        NotInIRError: The platform spec does not support the kind of volume or the mount's options.
    """
    path = str(field_of(volume_mount, "mount_path"))
    sub_path = field_of(volume_mount, "sub_path") or ""
    claim = field_of(volume, "persistent_volume_claim")
    if claim is not None:
        name = field_of(claim, "claim_name")
        kubernetes.mount_pvc(op, name, path, sub_path)
        return
    if sub_path:
        refused.refuse("A `sub_path` of a volume without a claim", "Mount the whole volume.")
    secret, config_map = field_of(volume, "secret"), field_of(volume, "config_map")
    empty = field_of(volume, "empty_dir")
    if secret is not None:
        _check_mounted_whole(secret)
        name, optional = field_of(secret, "secret_name"), bool(field_of(secret, "optional"))
        kubernetes.use_secret_as_volume(op, name, path, optional)
    elif config_map is not None:
        _check_mounted_whole(config_map)
        name, optional = field_of(config_map, "name"), bool(field_of(config_map, "optional"))
        kubernetes.use_config_map_as_volume(op, name, path, optional)
    elif empty is not None:
        medium, size = field_of(empty, "medium"), field_of(empty, "size_limit")
        name = str(field_of(volume, "name") or "empty")
        kubernetes.empty_dir_mount(op, name, path, medium or None, size)
    else:
        refused.refuse(
            f"The volume {field_of(volume, 'name')!r}",
            "Use a secret, a config_map, a persistent_volume_claim or an empty_dir. For other "
            "storage, create a claim with dsl.VolumeOp.",
        )


def _check_mounted_whole(source: Any) -> None:
    if field_of(source, "items"):
        refused.refuse(
            "`items` of a mounted Secret or ConfigMap", "Omit it: all keys are mounted as files."
        )


def mount_all(op: PipelineTask, volumes: Mapping[str, Any], mounts: Sequence[Any]) -> None:
    """Apply the mounts added with `.add_volume_mount()` to the volumes added with `.add_volume()`.

    Raises:
        NotInIRError: The volume of a mount was not added.
    """
    for volume_mount in mounts:
        name = str(field_of(volume_mount, "name"))
        if name not in volumes:
            refused.refuse(
                f"The mount of {name!r} in {op.name!r}, which has no volume of this name",
                "Add the volume with `.add_volume()`.",
            )
        mount(op, volumes[name], volume_mount)


class VolumeOp(PipelineTask):
    """A task that creates a volume claim. Ops mount its `.volume`; `.delete()` deletes the claim.

    Args:
        name: The task's name.
        resource_name: The claim's name.
        size: The quantity of bytes, such as ``5Gi``; can be a parameter.
        storage_class: The storage class; default the cluster's.
        modes: The access modes, such as `dsl.VOLUME_MODE_RWO`.
        generate_unique_name: Whether to prefix the claim's name with the run's name.

    Raises:
        RuntimeError: No pipeline is being defined.
    """

    def __init__(
        self,
        name: str,
        resource_name: str,
        size: Any,
        storage_class: Any = None,
        modes: Sequence[str] = tuple(VOLUME_MODE_RWM),
        annotations: Mapping[str, str] | None = None,
        data_source: Any = None,
        volume_name: Any = None,
        generate_unique_name: bool = True,
        **others: Any,
    ) -> None:
        if others:
            refused.refuse(
                f"dsl.VolumeOp with {', '.join(others)}",
                "Remove it: a volume claim has no such setting.",
            )
        arguments: dict[str, Any] = {"access_modes": list(modes), "size": size}
        if generate_unique_name:
            arguments["pvc_name_suffix"] = f"-{resource_name}"
        else:
            arguments["pvc_name"] = resource_name
        for key, value in (
            ("storage_class_name", storage_class),
            ("volume_name", volume_name),
            ("annotations", dict(annotations or {})),
            ("data_source", to_json(data_source)),
        ):
            if value is not None and value != {}:
                arguments[key] = value
        pipeline = required_state("dsl.VolumeOp").pipeline
        spec = replace(CreatePVC.component_spec, name=name)
        super().__init__(spec, arguments, pipeline, enable_caching=False)

    @property
    def volume(self) -> PipelineVolume:
        """The claimed volume."""
        return PipelineVolume(pvc=self.outputs["name"]).after(self)

    def delete(self) -> PipelineTask:
        """Create a task that deletes the claim; run it `.after()` the tasks that use the volume."""
        return DeletePVC(pvc_name=self.outputs["name"]).after(self)

    def apply(self, mod_func: Any) -> Any:
        """Call a function with the task; returns its result, or the task when that is None."""
        return mod_func(self) or self

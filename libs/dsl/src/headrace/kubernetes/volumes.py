"""Volumes of a step's pod, and components that create and delete volume claims."""

from __future__ import annotations

from typing import Any

from headrace.authoring.components import ContainerComponent
from headrace.graph.channels import PipelineChannel
from headrace.graph.interfaces.specs import (
    ComponentSpec,
    Container,
    ContainerSpec,
    InputSpec,
    OutputSpec,
)
from headrace.graph.task import PipelineTask
from headrace.kubernetes import settings

_OPTIONAL_DICT = "typing.Dict[str, str]"


def _component(name: str, spec: ComponentSpec) -> ContainerComponent:
    spec.container = Container(image=f"argostub/{name}")
    return ContainerComponent(spec, lambda **_: ContainerSpec(image=f"argostub/{name}"))


CreatePVC = _component(
    "createpvc",
    ComponentSpec(
        name="CreatePVC",
        description=(
            "Create a PersistentVolumeClaim, which can be used by downstream tasks.\n"
            "Its output is the claim's name."
        ),
        inputs={
            "access_modes": InputSpec(
                "typing.List[str]",
                description="Such as ReadWriteOnce or ReadWriteMany.",
            ),
            "size": InputSpec("String", description="The quantity of bytes, such as 5Gi."),
            "pvc_name": InputSpec(
                "String",
                optional=True,
                description="The claim's name; set either this or pvc_name_suffix.",
            ),
            "pvc_name_suffix": InputSpec(
                "String",
                optional=True,
                description="Appended to the run's name to form the claim's name.",
            ),
            "storage_class_name": InputSpec(
                "String",
                default="",
                optional=True,
                description="The storage class; None for the cluster's default.",
            ),
            "volume_name": InputSpec(
                "String", optional=True, description="The name of an existing volume."
            ),
            "annotations": InputSpec(
                _OPTIONAL_DICT, optional=True, description="Annotations of the claim."
            ),
            "data_source": InputSpec(
                _OPTIONAL_DICT,
                optional=True,
                description="A claim or snapshot to copy: a dict with apiGroup, kind and name.",
            ),
        },
        outputs={"name": OutputSpec("String")},
    ),
)
"""Creates a volume claim; its output `name` is the claim's name."""

DeletePVC = _component(
    "deletepvc",
    ComponentSpec(
        name="DeletePVC",
        description="Delete a PersistentVolumeClaim.",
        inputs={"pvc_name": InputSpec("String", description="The claim's name.")},
    ),
)
"""Deletes a volume claim."""


def mount_pvc(
    task: PipelineTask, pvc_name: Any, mount_path: str, sub_path: str = ""
) -> PipelineTask:
    """Mount a claimed volume.

    Args:
        task: The task.
        pvc_name: The claim's name; can be a channel.
        mount_path: The path to mount the volume at.
        sub_path: The folder of the volume to mount; default its root.

    Raises:
        ValueError: The name is neither a string nor a parameter.
    """
    if not isinstance(pvc_name, (str, PipelineChannel)):
        raise ValueError(
            "Argument for 'pvc_name' must be an instance of str or PipelineChannel. Got unknown "
            f"input type: {type(pvc_name)!r}."
        )
    source = settings.value_source(pvc_name, task)
    written = settings.without_empty(
        mountPath=settings.check_str(mount_path, "mount_path"),
        subPath=settings.check_str(sub_path, "sub_path"),
        pvcNameParameter=source,
    )
    # the same in the older form, for backends that do not know the newer one
    written.update({"constant": pvc_name} if isinstance(pvc_name, str) else source)
    settings.list_of(task, "pvcMount").append(written)
    return task


def add_ephemeral_volume(
    task: PipelineTask,
    volume_name: str,
    mount_path: str,
    access_modes: list[str],
    size: str,
    storage_class_name: str | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
) -> PipelineTask:
    """Mount a volume that is created and deleted with the pod.

    Args:
        task: The task.
        volume_name: The volume's name.
        mount_path: The path to mount the volume at.
        access_modes: The access modes, such as ``ReadWriteOnce``.
        size: The quantity of bytes, such as ``5Gi``.
        storage_class_name: The storage class; default the cluster's.
        labels: Labels of the volume's claim.
        annotations: Annotations of the volume's claim.
    """
    written = settings.without_empty(
        volumeName=settings.check_str(volume_name, "volume_name"),
        mountPath=settings.check_str(mount_path, "mount_path"),
        accessModes=list(access_modes),
        size=settings.check_str(size, "size"),
        storageClassName=storage_class_name,
        metadata=settings.without_empty(labels=labels, annotations=annotations),
    )
    if storage_class_name is None:
        written["defaultStorageClass"] = True
    settings.list_of(task, "genericEphemeralVolume").append(written)
    return task


def empty_dir_mount(
    task: PipelineTask,
    volume_name: str,
    mount_path: str,
    medium: str | None = None,
    size_limit: str | None = None,
) -> PipelineTask:
    """Mount an empty folder that is created and deleted with the pod.

    Args:
        task: The task.
        volume_name: The volume's name.
        mount_path: The path to mount the folder at.
        medium: ``Memory`` for a folder in memory.
        size_limit: The maximum quantity of bytes.
    """
    written = settings.without_empty(
        volumeName=settings.check_str(volume_name, "volume_name"),
        mountPath=settings.check_str(mount_path, "mount_path"),
    )
    if medium is not None:
        written["medium"] = settings.check_str(medium, "medium")
    if size_limit is not None:
        written["sizeLimit"] = settings.check_str(size_limit, "size_limit")
    settings.list_of(task, "emptyDirMounts").append(written)
    return task

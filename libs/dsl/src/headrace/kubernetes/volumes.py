"""Volumes of a step's pod, and components that claim and release them."""

from __future__ import annotations

from typing import Any

from headrace.authoring.components import ContainerComponent
from headrace.graph.channels import PipelineChannel
from headrace.graph.specs import ComponentSpec, Container, ContainerSpec, InputSpec, OutputSpec
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
                description="The claim's name; either it or pvc_name_suffix is given.",
            ),
            "pvc_name_suffix": InputSpec(
                "String",
                optional=True,
                description="What is put after the run's name to make the claim's.",
            ),
            "storage_class_name": InputSpec(
                "String",
                default="",
                optional=True,
                description="The storage class; None for the cluster's default.",
            ),
            "volume_name": InputSpec(
                "String", optional=True, description="A volume that there is already."
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
"""Claims a volume; its output `name` is the claim's."""

DeletePVC = _component(
    "deletepvc",
    ComponentSpec(
        name="DeletePVC",
        description="Delete a PersistentVolumeClaim.",
        inputs={"pvc_name": InputSpec("String", description="The claim's name.")},
    ),
)
"""Releases a volume that was claimed."""


def mount_pvc(
    task: PipelineTask, pvc_name: Any, mount_path: str, sub_path: str = ""
) -> PipelineTask:
    """Mount a claimed volume.

    Args:
        task: The task.
        pvc_name: The claim's name, which may be known at run time only.
        mount_path: The folder that it is mounted as.
        sub_path: The folder of the volume that is mounted.

    Raises:
        ValueError: the name is neither a text nor a parameter.
    """
    if not isinstance(pvc_name, (str, PipelineChannel)):
        raise ValueError(
            "Argument for 'pvc_name' must be an instance of str or PipelineChannel. Got unknown "
            f"input type: {type(pvc_name)!r}."
        )
    source = settings.parameter(pvc_name, task)
    written = settings.filled(
        mountPath=settings.text(mount_path, "mount_path"),
        subPath=settings.text(sub_path, "sub_path"),
        pvcNameParameter=source,
    )
    # the older form of the same, for backends that know only that
    written.update({"constant": pvc_name} if isinstance(pvc_name, str) else source)
    settings.entries(task, "pvcMount").append(written)
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
    """Mount a volume that lives as long as the pod.

    Args:
        task: The task.
        volume_name: The volume's name.
        mount_path: The folder that it is mounted as.
        access_modes: Such as ``ReadWriteOnce``.
        size: The quantity of bytes, such as ``5Gi``.
        storage_class_name: The storage class; without it the cluster's default.
        labels: Labels of its claim.
        annotations: Annotations of its claim.
    """
    written = settings.filled(
        volumeName=settings.text(volume_name, "volume_name"),
        mountPath=settings.text(mount_path, "mount_path"),
        accessModes=list(access_modes),
        size=settings.text(size, "size"),
        storageClassName=storage_class_name,
        metadata=settings.filled(labels=labels, annotations=annotations),
    )
    if storage_class_name is None:
        written["defaultStorageClass"] = True
    settings.entries(task, "genericEphemeralVolume").append(written)
    return task


def empty_dir_mount(
    task: PipelineTask,
    volume_name: str,
    mount_path: str,
    medium: str | None = None,
    size_limit: str | None = None,
) -> PipelineTask:
    """Mount an empty folder that lives as long as the pod.

    Args:
        task: The task.
        volume_name: The volume's name.
        mount_path: The folder that it is mounted as.
        medium: ``Memory`` for one in memory.
        size_limit: The quantity of bytes that it may hold.
    """
    written = settings.filled(
        volumeName=settings.text(volume_name, "volume_name"),
        mountPath=settings.text(mount_path, "mount_path"),
    )
    if medium is not None:
        written["medium"] = settings.text(medium, "medium")
    if size_limit is not None:
        written["sizeLimit"] = settings.text(size_limit, "size_limit")
    settings.entries(task, "emptyDirMounts").append(written)
    return task

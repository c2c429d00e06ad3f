"""The container of an op, with the setters that version 1 has."""

from __future__ import annotations

from typing import Any

from headrace import kubernetes
from headrace.graph.channels import channels_in
from headrace.graph.task import PipelineTask
from headrace.v1 import refused
from headrace.v1.kubernetes_objects import check_only, field_of

_GPU_VENDORS = ("nvidia", "amd")
_RESOURCES = {
    ("memory", "limit"): "set_memory_limit",
    ("memory", "request"): "set_memory_request",
    ("cpu", "limit"): "set_cpu_limit",
    ("cpu", "request"): "set_cpu_request",
}


class OpContainer:
    """Setters of an op's container. Each returns the container, so that calls can be chained."""

    def __init__(self, op: PipelineTask, volume_mounts: list[Any]) -> None:
        self._op = op
        self._volume_mounts = volume_mounts

    @property
    def image(self) -> str:
        """The container image; it can be set."""
        spec = self._op.container_spec
        return spec.image if spec else ""

    @image.setter
    def image(self, name: Any) -> None:
        self._op.set_container_image(name)

    def set_memory_limit(self, memory: Any) -> OpContainer:
        """The memory that it may use: bytes, or a number with a unit from ``K`` to ``Ei``."""
        return self.add_resource_limit("memory", memory)

    def set_memory_request(self, memory: Any) -> OpContainer:
        """The memory that it asks for, likewise."""
        return self.add_resource_request("memory", memory)

    def set_cpu_limit(self, cpu: Any) -> OpContainer:
        """The CPU that it may use: cores as ``2`` or ``0.5``, or thousandths as ``500m``."""
        return self.add_resource_limit("cpu", cpu)

    def set_cpu_request(self, cpu: Any) -> OpContainer:
        """The CPU that it asks for, likewise."""
        return self.add_resource_request("cpu", cpu)

    def set_gpu_limit(self, gpu: Any, vendor: str = "nvidia") -> OpContainer:
        """The number of GPUs that it gets, of the vendor ``nvidia`` or ``amd``.

        Raises:
            ValueError: the vendor is another, or the number is none.
        """
        if vendor not in _GPU_VENDORS:
            raise ValueError(f"vendor is one of {_GPU_VENDORS}. Got: {vendor!r}")
        return self.add_resource_limit(f"{vendor}.com/gpu", gpu)

    def add_resource_limit(self, resource_name: str, value: Any) -> OpContainer:
        """What it may use of a resource: ``cpu``, ``memory``, or an accelerator such as
        ``nvidia.com/gpu``.

        Raises:
            NotInIRError: the resource is another.
        """
        return self._resource(resource_name, value, "limit")

    def add_resource_request(self, resource_name: str, value: Any) -> OpContainer:
        """What it asks for of a resource: ``cpu`` or ``memory``.

        Raises:
            NotInIRError: the resource is another.
        """
        return self._resource(resource_name, value, "request")

    def _resource(self, name: str, value: Any, kind: str) -> OpContainer:
        value = value if channels_in(value) else str(value)
        setter = _RESOURCES.get((name, kind))
        if setter is not None:
            getattr(self._op, setter)(value)
        elif kind == "limit" and "/" in name:
            self._op.set_accelerator_type(name)
            self._op.set_accelerator_limit(value)
        else:
            refused.refuse(
                f"A {kind} of {name!r}",
                "A step has requests and limits of cpu and memory, and limits of accelerators.",
            )
        self._op.register_pipeline_channels(channels_in(value))
        return self

    def set_env_variable(self, name: str, value: Any) -> OpContainer:
        """Set an environment variable."""
        return self.add_env_variable({"name": name, "value": value})

    def add_env_variable(self, env_variable: Any) -> OpContainer:
        """Set an environment variable: a `V1EnvVar`, or a dict of the same. Its value may come of a
        key of a Secret or ConfigMap, or of a field of the pod.

        Raises:
            NotInIRError: it comes from elsewhere.
        """
        op, name = self._op, str(field_of(env_variable, "name"))
        source = field_of(env_variable, "value_from")
        if source is None:
            value = field_of(env_variable, "value")
            op.set_env_variable(name, "" if value is None else str(value))
            op.register_pipeline_channels(channels_in(value))
            return self
        for kind, use in (
            ("secret_key_ref", kubernetes.use_secret_as_env),
            ("config_map_key_ref", kubernetes.use_config_map_as_env),
        ):
            key = field_of(source, kind)
            if key is not None:
                optional = bool(field_of(key, "optional"))
                names = {str(field_of(key, "key")): name}
                use(op, field_of(key, "name"), names, optional)
                return self
        path = field_of(source, "field_ref")
        if path is None:
            refused.refuse(
                f"The source of the environment variable {name!r}",
                "It can be a value, a secret_key_ref, a config_map_key_ref or a field_ref.",
            )
        kubernetes.use_field_path_as_env(op, name, field_of(path, "field_path"))
        return self

    def add_volume_mount(self, volume_mount: Any) -> OpContainer:
        """Mount a volume that `.add_volume` has added: a `V1VolumeMount`, or a dict of the same."""
        self._volume_mounts.append(volume_mount)
        return self

    def set_image_pull_policy(self, image_pull_policy: str) -> OpContainer:
        """When the image is pulled: ``Always``, ``Never`` or ``IfNotPresent``."""
        kubernetes.set_image_pull_policy(self._op, image_pull_policy)
        return self

    def set_security_context(self, security_context: Any) -> OpContainer:
        """As whom it runs: a `V1SecurityContext`, or a dict of the same.

        Raises:
            NotInIRError: it says more than the user, the group, and that they are not root.
        """
        check_only(
            security_context,
            ("runAsUser", "runAsGroup", "runAsNonRoot"),
            "A security context",
            "It has `run_as_user`, `run_as_group` and `run_as_non_root`.",
        )
        kubernetes.set_security_context(
            self._op,
            field_of(security_context, "run_as_user"),
            field_of(security_context, "run_as_group"),
            field_of(security_context, "run_as_non_root"),
        )
        return self

    def keyword(self, name: str, value: Any) -> None:
        """Set what `container_kwargs` gives by a field's name.

        Raises:
            NotInIRError: there is no such setting.
        """
        if name == "env":
            for each in value:
                self.add_env_variable(each)
        elif name == "volume_mounts":
            for each in value:
                self.add_volume_mount(each)
        elif name == "resources":
            for kind in ("limits", "requests"):
                for resource, quantity in (field_of(value, kind) or {}).items():
                    self._resource(resource, quantity, kind[:-1])
        elif name == "image_pull_policy":
            self.set_image_pull_policy(value)
        elif name == "security_context":
            self.set_security_context(value)
        else:
            refused.refuse(
                f"container_kwargs with {name!r}",
                "It has env, volume_mounts, resources, image_pull_policy and security_context.",
            )

    def __getattr__(self, name: str) -> Any:
        return refused.refusing("Container", refused.OF_CONTAINER, name)

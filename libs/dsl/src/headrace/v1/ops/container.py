"""The container of an op, with the setters of version 1."""

from __future__ import annotations

from typing import Any

from headrace import kubernetes
from headrace.graph.channels import channels_in
from headrace.graph.task import PipelineTask
from headrace.v1 import refused
from headrace.v1.kubernetes_objects import check_known_fields, field_of

_GPU_VENDORS = ("nvidia", "amd")
_RESOURCES = {
    ("memory", "limit"): "set_memory_limit",
    ("memory", "request"): "set_memory_request",
    ("cpu", "limit"): "set_cpu_limit",
    ("cpu", "request"): "set_cpu_request",
}


class OpContainer:
    """Setters of an op's container. Each returns the container, so that calls can be chained.

    Args:
        op: The op.
        volume_mounts: The op's list of volume mounts, which `add_volume_mount` extends.
    """

    def __init__(self, op: PipelineTask, volume_mounts: list[Any]) -> None:
        self._op = op
        self._volume_mounts = volume_mounts

    @property
    def image(self) -> str:
        """The container image; can be assigned."""
        spec = self._op.container_spec
        return spec.image if spec else ""

    @image.setter
    def image(self, name: Any) -> None:
        self._op.set_container_image(name)

    def set_memory_limit(self, memory: Any) -> OpContainer:
        """Set the memory limit: bytes, or a number with a unit from ``K`` to ``Ei``."""
        return self.add_resource_limit("memory", memory)

    def set_memory_request(self, memory: Any) -> OpContainer:
        """Set the memory request: bytes, or a number with a unit from ``K`` to ``Ei``."""
        return self.add_resource_request("memory", memory)

    def set_cpu_limit(self, cpu: Any) -> OpContainer:
        """Set the CPU limit: cores such as ``2`` or ``0.5``, or thousandths such as ``500m``."""
        return self.add_resource_limit("cpu", cpu)

    def set_cpu_request(self, cpu: Any) -> OpContainer:
        """Set the CPU request: cores such as ``2`` or ``0.5``, or thousandths such as ``500m``."""
        return self.add_resource_request("cpu", cpu)

    def set_gpu_limit(self, gpu: Any, vendor: str = "nvidia") -> OpContainer:
        """Set the number of GPUs, of the vendor ``nvidia`` or ``amd``.

        Raises:
            ValueError: The vendor is unknown, or the number is not valid.
        """
        if vendor not in _GPU_VENDORS:
            raise ValueError(f"vendor must be one of {_GPU_VENDORS}. Got: {vendor!r}")
        return self.add_resource_limit(f"{vendor}.com/gpu", gpu)

    def add_resource_limit(self, resource_name: str, value: Any) -> OpContainer:
        """Set the limit of a resource: ``cpu``, ``memory``, or an accelerator such as
        ``nvidia.com/gpu``.

        Raises:
            NotInIRError: The IR does not support limits of the resource.
        """
        return self._resource(resource_name, value, "limit")

    def add_resource_request(self, resource_name: str, value: Any) -> OpContainer:
        """Set the request of a resource: ``cpu`` or ``memory``.

        Raises:
            NotInIRError: The IR does not support requests of the resource.
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
                "Use requests and limits of cpu and memory, or limits of accelerators.",
            )
        self._op.register_pipeline_channels(channels_in(value))
        return self

    def set_env_variable(self, name: str, value: Any) -> OpContainer:
        """Set an environment variable."""
        return self.add_env_variable({"name": name, "value": value})

    def add_env_variable(self, env_variable: Any) -> OpContainer:
        """Set an environment variable, given as a `V1EnvVar` or an equivalent dict. Its value can
        come from a key of a Secret or ConfigMap, or from a field of the pod.

        Raises:
            NotInIRError: Its value comes from another source.
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
                "Use a value, a secret_key_ref, a config_map_key_ref or a field_ref.",
            )
        kubernetes.use_field_path_as_env(op, name, field_of(path, "field_path"))
        return self

    def add_volume_mount(self, volume_mount: Any) -> OpContainer:
        """Mount a volume that was added with `.add_volume()`: a `V1VolumeMount` or an equivalent
        dict."""
        self._volume_mounts.append(volume_mount)
        return self

    def set_image_pull_policy(self, image_pull_policy: str) -> OpContainer:
        """Set when the image is pulled: ``Always``, ``Never`` or ``IfNotPresent``."""
        kubernetes.set_image_pull_policy(self._op, image_pull_policy)
        return self

    def set_security_context(self, security_context: Any) -> OpContainer:
        """Set the user and group that the container runs as: a `V1SecurityContext` or an
        equivalent dict.

        Raises:
            NotInIRError: It sets other fields than `run_as_user`, `run_as_group` and
                `run_as_non_root`.
        """
        check_known_fields(
            security_context,
            ("runAsUser", "runAsGroup", "runAsNonRoot"),
            "A security context",
            "Only `run_as_user`, `run_as_group` and `run_as_non_root` are supported.",
        )
        kubernetes.set_security_context(
            self._op,
            field_of(security_context, "run_as_user"),
            field_of(security_context, "run_as_group"),
            field_of(security_context, "run_as_non_root"),
        )
        return self

    def apply_keyword(self, name: str, value: Any) -> None:
        """Apply one entry of `container_kwargs`.

        Raises:
            NotInIRError: The entry is not supported.
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
                "Only env, volume_mounts, resources, image_pull_policy and security_context are "
                "supported.",
            )

    def __getattr__(self, name: str) -> Any:
        return refused.refusing("Container", refused.OF_CONTAINER, name)

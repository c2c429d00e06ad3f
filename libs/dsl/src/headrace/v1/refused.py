"""Constructs of version 1 that the IR does not support: refused at definition, not at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


class NotInIRError(ValueError):
    """A construct of version 1 has no counterpart in the IR. The message names an alternative."""


def refuse(what: str, instead: str) -> NoReturn:
    """Refuse a construct, naming an alternative.

    Raises:
        NotInIRError: Always.
    """
    raise NotInIRError(f"{what}: not supported by the IR. {instead}")


_SIDECARS = (
    "Start the process in the step's own command (`server & ... ; kill $!`), or run the service "
    "outside of the pipeline and pass its address as a parameter."
)
_INIT = (
    "Do its work at the start of the step's own command, or in a separate step that runs before, "
    "with `.after()`."
)
_RESOURCES = (
    "Write a step that calls the cluster's API (`kubectl apply -f ...` in an image with kubectl); "
    "use dsl.VolumeOp for volumes."
)


def _refusing(name: str, instead: str) -> type:
    def init(self: Any, *_: Any, **__: Any) -> None:
        refuse(f"dsl.{name}", instead)

    return type(name, (), {"__init__": init, "__doc__": f"Refused: {instead}"})


Sidecar = _refusing("Sidecar", _SIDECARS)
UserContainer = _refusing("UserContainer", _INIT)
InitContainer = _refusing("InitContainer", _INIT)
ResourceOp = _refusing("ResourceOp", _RESOURCES)
VolumeSnapshotOp = _refusing(
    "VolumeSnapshotOp",
    "Create the snapshot in a step that calls the cluster's API, and pass it to dsl.VolumeOp as "
    "`data_source`.",
)


def graph_component(func: Callable[..., Any]) -> NoReturn:
    """Refused: the number of recursive calls is unknown when the pipeline is compiled.

    Raises:
        NotInIRError: Always.
    """
    refuse(
        f"dsl.graph_component ({getattr(func, '__name__', func)})",
        "Use a function with @dsl.pipeline as a component. To repeat tasks, use dsl.ParallelFor "
        "over a list, a loop inside a step, or `.set_retry()`.",
    )


OF_CONTAINER = {
    "add_env_from": "Name each key: `.add_env_variable()` with a secret_key_ref or "
    "config_map_key_ref, or headrace.kubernetes.use_secret_as_env.",
    "add_port": "Remove it: steps do not serve requests.",
    "add_volume_devices": "Mount a file system with `.add_volume_mount()`.",
    "set_ephemeral_storage_limit": "Mount a volume of the size: dsl.VolumeOp, or "
    "headrace.kubernetes.add_ephemeral_volume.",
    "set_ephemeral_storage_request": "Mount a volume of the size: dsl.VolumeOp, or "
    "headrace.kubernetes.add_ephemeral_volume.",
    "set_lifecycle": "Handle it in the step's own command (`trap`).",
    "set_liveness_probe": "Limit the step's duration with `.set_timeout()`.",
    "set_readiness_probe": "Remove it: steps do not serve requests.",
    "set_stdin": "Remove it: the standard input of a step is always empty.",
    "set_stdin_once": "Remove it: the standard input of a step is always empty.",
    "set_termination_message_path": "Write the message to an output.",
    "set_termination_message_policy": "Write the message to an output.",
    "set_tty": "Remove it: a step has no terminal.",
    "set_working_dir": "Change the folder in the command: `sh -c 'cd DIR && exec \"$@\"' sh ...`.",
}
OF_OP = {
    "add_sidecar": _SIDECARS,
    "add_init_container": _INIT,
    "add_host_alias": "Pass addresses as parameters.",
}
OF_CONF = {
    "set_parallelism": "Limit loops by dsl.ParallelFor(items, parallelism=n).",
    "set_pod_disruption_budget": "Retry disrupted steps with `.set_retry()`.",
    "set_host_aliases": "Pass addresses as parameters.",
    "add_host_alias": "Pass addresses as parameters.",
    "set_automount_service_account_token": "Set the run's service account.",
    "set_dns_config": "Configure DNS in the cluster.",
}


def refusing(owner: str, table: dict[str, str], name: str) -> Callable[..., NoReturn]:
    """A method that raises NotInIRError with the alternative from a table, by its name.

    Raises:
        AttributeError: Version 1 has no such method either.
    """
    if name not in table:
        raise AttributeError(f"{owner} has no attribute {name!r}")

    def method(*_: Any, **__: Any) -> NoReturn:
        refuse(f"{owner}.{name}()", table[name])

    return method

"""What version 1 could say and the IR cannot: refused when it is written, not when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


class NotInIRError(ValueError):
    """A construct of version 1 has no counterpart in the IR. The message says what to write."""


def refuse(what: str, instead: str) -> NoReturn:
    """Say that a construct cannot be compiled, and what can.

    Raises:
        NotInIRError: always.
    """
    raise NotInIRError(f"{what} cannot be said in the IR. {instead}")


_SIDECARS = (
    "Start the process in the step's own command (`server & ... ; kill $!`), or run the service "
    "outside of the pipeline and give its address as a parameter."
)
_INIT = (
    "Put what it does in front of the step's own command, or into a step of its own before it "
    "with `.after()`."
)
_RESOURCES = (
    "Write a step that calls the cluster's API (`kubectl apply -f ...` in an image that has it); "
    "volumes are claimed by dsl.VolumeOp."
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
    "Give the snapshot to dsl.VolumeOp as `data_source`, and make it by a step that calls the "
    "cluster's API.",
)


def graph_component(func: Callable[..., Any]) -> NoReturn:
    """Refused: a component that calls itself has no end that is known when it is compiled.

    Raises:
        NotInIRError: always.
    """
    refuse(
        f"dsl.graph_component ({getattr(func, '__name__', func)})",
        "Use a function with @dsl.pipeline as a component; for repetition use dsl.ParallelFor over "
        "a list, a step that repeats by itself, or `.set_retry()`.",
    )


OF_CONTAINER = {
    "add_env_from": "Name each key: `.add_env_variable()` with a secret_key_ref or "
    "config_map_key_ref, or headrace.kubernetes.use_secret_as_env.",
    "add_port": "A step serves nobody; remove it.",
    "add_volume_devices": "Mount a file system with `.add_volume_mount()`.",
    "set_ephemeral_storage_limit": "Mount a volume of the size: dsl.VolumeOp, or "
    "headrace.kubernetes.add_ephemeral_volume.",
    "set_ephemeral_storage_request": "Mount a volume of the size: dsl.VolumeOp, or "
    "headrace.kubernetes.add_ephemeral_volume.",
    "set_lifecycle": "Write it into the step's own command (`trap`).",
    "set_liveness_probe": "Limit its time with `.set_timeout()`.",
    "set_readiness_probe": "A step serves nobody; remove it.",
    "set_stdin": "The standard input of a step is empty.",
    "set_stdin_once": "The standard input of a step is empty.",
    "set_termination_message_path": "Write an output.",
    "set_termination_message_policy": "Write an output.",
    "set_tty": "A step has no terminal.",
    "set_working_dir": "Begin the command with it: `sh -c 'cd DIR && exec \"$@\"' sh ...`.",
}
OF_OP = {
    "add_sidecar": _SIDECARS,
    "add_init_container": _INIT,
    "add_host_alias": "Give addresses as parameters.",
}
OF_CONF = {
    "set_parallelism": "Limit loops by dsl.ParallelFor(items, parallelism=n).",
    "set_pod_disruption_budget": "Let steps be tried anew: `.set_retry()`.",
    "set_host_aliases": "Give addresses as parameters.",
    "add_host_alias": "Give addresses as parameters.",
    "set_automount_service_account_token": "Give the run a service account.",
    "set_dns_config": "It is a matter of the cluster.",
}


def refusing(owner: str, table: dict[str, str], name: str) -> Callable[..., NoReturn]:
    """A method that is refused, by its name.

    Raises:
        AttributeError: version 1 had no such method either.
    """
    if name not in table:
        raise AttributeError(f"{owner} has no attribute {name!r}")

    def method(*_: Any, **__: Any) -> NoReturn:
        refuse(f"{owner}.{name}()", table[name])

    return method

"""Finds features of a valid spec that Headrace does not support, so that none is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import Executor, KubernetesExecutor, PipelineDocument

_Found = tuple[str, str]

_CLUSTER_TASKS = {
    "argostub/createpvc": "creating a volume claim",
    "argostub/deletepvc": "deleting a volume claim",
}
"""Images that stand for actions of KFP's driver."""


def unsupported(document: PipelineDocument) -> list[Rejection]:
    """The unsupported features that the spec uses, in the order of its text."""
    spec = document.pipeline_spec
    found: list[_Found] = []
    for label, executor in spec.deployment_spec.executors.items():
        found += _of_executor(f"deploymentSpec.executors[{label}]", executor)
    for name, artifact in spec.root.input_definitions.artifacts.items():
        if not artifact.is_optional:
            place = f"root.inputDefinitions.artifacts[{name}]"
            found.append((place, "an artifact as a pipeline input"))
    found += _unknown(document)
    return [
        Rejection(
            code=RejectionCode.UNSUPPORTED_FEATURE,
            message=f"{feature} is not supported",
            field=place,
        )
        for place, feature in found
    ]


def _of_executor(place: str, executor: Executor) -> Iterator[_Found]:
    if executor.importer is not None:
        return
    if executor.container is None:
        yield place, "an executor that is neither a container nor an importer"
    elif executor.container.image in _CLUSTER_TASKS:
        yield place, f"{_CLUSTER_TASKS[executor.container.image]} without a Kubernetes cluster"
    elif not (executor.container.command or executor.container.args):
        yield place, "a container without a command"


def _unknown(value: Any, place: str = "") -> Iterator[_Found]:
    """Every field that the models do not define: it requests something, so it must not be ignored.
    The platform settings of executors are checked by the backend."""
    if isinstance(value, KubernetesExecutor):
        return
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{place}.{name}".lstrip("."), f"the field {name!r}"
        for name, field in type(value).model_fields.items():
            shown = "" if isinstance(value, PipelineDocument) else f".{field.alias or name}"
            yield from _unknown(getattr(value, name), f"{place}{shown}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unknown(item, f"{place}[{key}]")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unknown(item, f"{place}[{index}]")

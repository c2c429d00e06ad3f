"""Parses a decoded YAML or JSON value into a validated `PipelineDocument`, or a list of faults.

A fault names its path in the spec:
``root.dag.tasks[train].inputs.parameters[rounds]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.check import faults_of
from headrace_contracts.ir.features import unsupported
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.storable import unstorable

SCHEMA_VERSION = "2.1.0"
_SHOWN = 5


class SpecError(ValueError):
    """The pipeline spec is invalid; `faults` lists why, the most relevant one first."""

    def __init__(self, faults: list[Rejection]) -> None:
        self.faults = faults
        super().__init__("; ".join(fault.message for fault in faults[:_SHOWN]))

    @property
    def rejection(self) -> Rejection:
        """All faults as one rejection, with the code and path of the first."""
        first = self.faults[0]
        shown = [f"{f.field}: {f.message}" if f.field else f.message for f in self.faults[:_SHOWN]]
        if len(self.faults) > _SHOWN:
            shown.append(f"and {len(self.faults) - _SHOWN} more")
        return Rejection(code=first.code, message="; ".join(shown), field=first.field)


def parse_document(documents: list[Any]) -> PipelineDocument:
    """Validate the content of a package: a spec, or a spec and its platform spec.

    Raises:
        SpecError: it is not a valid PipelineSpec 2.1.0, or uses an unsupported feature.
    """
    spec, platform = _split(documents)
    _check_head(spec)
    for part in (spec, platform):
        if (found := unstorable(part)) is not None:
            location, fault = found
            raise SpecError([_fault_at(location, fault)])
    try:
        document = PipelineDocument.model_validate(
            {"pipeline_spec": spec, "platform_spec": platform}
        )
    except ValidationError as error:
        raise SpecError([_shape_fault(detail) for detail in error.errors()]) from None
    faults = faults_of(document.pipeline_spec) or unsupported(document)
    if faults:
        raise SpecError(faults)
    return document


def _split(documents: list[Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    documents = [document for document in documents if document is not None]
    if (
        len(documents) == 1
        and isinstance(documents[0], Mapping)
        and "pipeline_spec" in documents[0]
    ):
        wrapped = dict(documents[0])
        documents = [wrapped.pop("pipeline_spec"), wrapped.pop("platform_spec", None)]
        if wrapped:
            raise _malformed(f"unknown field {sorted(wrapped)[0]!r} beside pipeline_spec")
        documents = [document for document in documents if document is not None]
    if not documents:
        raise _malformed("the package is empty: expected a compiled pipeline spec")
    for document in documents:
        if not isinstance(document, dict):
            raise _malformed(
                f"expected a compiled pipeline spec (a mapping), got {_kind(document)}"
            )
    specs = [d for d in documents if "platforms" not in d]
    platforms = [d for d in documents if "platforms" in d]
    if len(specs) != 1 or len(platforms) > 1:
        raise _malformed(
            f"expected one pipeline spec and at most one platform spec, "
            f"got {len(specs)} and {len(platforms)}"
        )
    return specs[0], platforms[0] if platforms else None


def _check_head(spec: dict[str, Any]) -> None:
    if spec.get("kind") == "Workflow" or "apiVersion" in spec:
        raise _malformed(
            "this is an Argo Workflow or another Kubernetes object, not a PipelineSpec; "
            "compile the pipeline with kfp 2.x"
        )
    version = spec.get("schemaVersion")
    if version != SCHEMA_VERSION:
        found = "is missing" if version is None else f"is {version!r}"
        raise SpecError(
            [
                Rejection(
                    code=RejectionCode.INVALID_SPEC,
                    message=f"schemaVersion {found}; expected {SCHEMA_VERSION}",
                    field="schemaVersion",
                )
            ]
        )


def _malformed(message: str) -> SpecError:
    return SpecError([Rejection(code=RejectionCode.INVALID_SPEC, message=message)])


def _kind(value: Any) -> str:
    names = {str: "a string", list: "a list", int: "a number", float: "a number", bool: "a boolean"}
    return names.get(type(value), type(value).__name__)


def _shape_fault(detail: Any) -> Rejection:
    location = detail["loc"]
    inner = location[1:] if location[:1] in (("pipeline_spec",), ("platform_spec",)) else location
    return _fault_at(inner, detail["msg"])


def _fault_at(location: tuple[str | int, ...], message: str) -> Rejection:
    place = ""
    for part in location:
        text = str(part)
        keyed = isinstance(part, int) or place.endswith(_MAPPINGS)
        place += f"[{text}]" if keyed else f".{text}" if place else text
    return Rejection(code=RejectionCode.INVALID_SPEC, message=message, field=place or None)


_MAPPINGS = ("tasks", "components", "executors", "parameters", "artifacts")

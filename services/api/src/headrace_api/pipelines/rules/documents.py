"""Pipeline specs as documents: checked when they are submitted, and as they are stored."""

from __future__ import annotations

from typing import Any

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parse import SpecError, parse_document
from headrace_runtime.errors import RejectedError


def checked_document(documents: list[Any]) -> PipelineDocument:
    """The spec in the decoded YAML or JSON documents of a package or request.

    Raises:
        RejectedError: the spec is invalid, or uses a feature that is not supported.
    """
    try:
        return parse_document(documents)
    except SpecError as error:
        raise RejectedError(error.rejection) from None


def stored_form(document: PipelineDocument) -> dict[str, Any]:
    """The spec as a JSON value, without fields that have their defaults."""
    return document.model_dump(mode="json", by_alias=True, exclude_unset=True)

"""What a request for a run comes to: its spec checked, its parameters fitted, its name given."""

from __future__ import annotations

import json
import re
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from headrace_contracts.commands import SubmitRun
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parameters import InvalidParameters, run_parameters
from headrace_contracts.ir.parse import SpecError, parse_document
from headrace_runtime.errors import RejectedError

from headrace_api.core.packages import documents_of

_MACRO = re.compile(r"\[\[(RunUUID|CurrentTime)\]\]")


def checked_document(documents: list[Any]) -> PipelineDocument:
    """The spec of a package or request.

    Raises:
        RejectedError: it is not sound, or says what is not carried out yet.
    """
    try:
        return parse_document(documents)
    except SpecError as error:
        raise RejectedError(error.rejection) from None


def own_document(request: SubmitRun) -> PipelineDocument | None:
    """The spec that came along with the request; None when it names a stored pipeline."""
    sources = [request.pipeline_spec, request.package, request.pipeline]
    if sum(source is not None for source in sources) != 1:
        raise RejectedError.because(
            RejectionCode.MALFORMED,
            "exactly one of pipeline_spec, package and pipeline has to be given",
            "pipeline_spec",
        )
    if request.pipeline_spec is not None:
        return checked_document([request.pipeline_spec])
    if request.package is not None:
        return checked_document(documents_of(request.package.encode()))
    return None


def fitted_parameters(
    document: PipelineDocument, request: SubmitRun, run_id: UUID, now: datetime
) -> dict[str, Any]:
    """The values that the run starts with, KFP's macros in texts expanded.

    Raises:
        RejectedError: a parameter is unknown, missing or of the wrong type.
    """
    inputs = document.pipeline_spec.root.input_definitions
    try:
        values = run_parameters(inputs, request.parameters)
    except InvalidParameters as error:
        raise RejectedError(error.rejection) from None
    macros = {"RunUUID": str(run_id), "CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {
        name: _MACRO.sub(lambda match: macros[match[1]], value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def frozen(document: PipelineDocument) -> bytes:
    """The spec as it is stored: canonical JSON, so that equal specs have equal digests."""
    value = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return sha256(content).hexdigest()


def request_digest(request: SubmitRun) -> str:
    """Tells a repeat of a request from another request with the same key."""
    value = request.model_dump(mode="json", exclude={"idempotency_key"})
    return digest(json.dumps(value, sort_keys=True).encode())


def default_name(document: PipelineDocument, now: datetime) -> str:
    """The display name of a run that was given none."""
    return f"{document.pipeline_spec.pipeline_info.name} {now:%Y-%m-%d %H-%M-%S}"

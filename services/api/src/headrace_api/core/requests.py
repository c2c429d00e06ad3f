"""What a request for a run comes to: its spec checked, its parameters fitted, its name given."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from headrace_contracts.commands import SubmitRun
from headrace_contracts.events import RunSubmitted
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parameters import InvalidParameters, run_parameters
from headrace_contracts.ir.parse import SpecError, parse_document
from headrace_runtime.errors import RejectedError

from headrace_api.core.macros import Occasion, expanded
from headrace_api.core.packages import documents_of


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
    """The spec that came along with the request; None when it names a stored pipeline or an
    earlier run."""
    sources = [request.pipeline_spec, request.package, request.pipeline, request.rerun]
    if sum(source is not None for source in sources) != 1:
        raise RejectedError.because(
            RejectionCode.MALFORMED,
            "exactly one of pipeline_spec, package, pipeline and rerun has to be given",
            "pipeline_spec",
        )
    if request.pipeline_spec is not None:
        return checked_document([request.pipeline_spec])
    if request.package is not None:
        return checked_document(documents_of(request.package.encode()))
    return None


def rerun_request(request: SubmitRun, earlier: RunSubmitted) -> SubmitRun:
    """The request with what it leaves out taken from the earlier run."""
    return request.model_copy(
        update={
            "parameters": {**earlier.parameters, **request.parameters},
            "display_name": request.display_name or f"Rerun of {earlier.display_name}"[:255],
            "pipeline_root": request.pipeline_root or earlier.pipeline_root,
            "service_account": request.service_account or earlier.service_account,
            "experiment_id": request.experiment_id
            or (None if request.experiment else earlier.experiment_id),
        }
    )


def check_rerun_tasks(document: PipelineDocument, tasks: tuple[str, ...]) -> None:
    """Refuse paths that name no task of the root; what lies deeper is known to the run alone.

    Raises:
        RejectedError: naming the path.
    """
    dag = document.pipeline_spec.root.dag
    known = set() if dag is None else set(dag.tasks)
    for path in tasks:
        root, *names = path.split("/")
        if root != "root" or not names or names[0] not in known:
            raise RejectedError.because(
                RejectionCode.NOT_FOUND,
                f"the run has no task {path!r}; its tasks are {', '.join(sorted(known))},"
                " each below root/",
                "rerun.tasks",
            )


def fitted_parameters(
    document: PipelineDocument,
    parameters: dict[str, Any],
    run_id: UUID,
    now: datetime,
    occasion: Occasion | None = None,
) -> dict[str, Any]:
    """The values that the run starts with, KFP's macros in texts expanded.

    Raises:
        RejectedError: a parameter is unknown, missing or of the wrong type.
    """
    inputs = document.pipeline_spec.root.input_definitions
    try:
        values = run_parameters(inputs, parameters)
    except InvalidParameters as error:
        raise RejectedError(error.rejection) from None
    return expanded(values, run_id, now, occasion)


def deadline(document: PipelineDocument, request: SubmitRun) -> float | None:
    """How long the run may take, in seconds: as the request says, else as the pipeline does."""
    if request.deadline_seconds is not None:
        return request.deadline_seconds
    return document.kubernetes.pipeline_config.active_deadline_seconds


def stored_form(document: PipelineDocument) -> dict[str, Any]:
    """The spec as JSON values, without what it leaves to defaults."""
    return document.model_dump(mode="json", by_alias=True, exclude_unset=True)


def frozen(document: PipelineDocument) -> bytes:
    """The spec as it is stored: canonical JSON, so that equal specs have equal digests."""
    return json.dumps(stored_form(document), sort_keys=True, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return sha256(content).hexdigest()


def request_digest(request: SubmitRun) -> str:
    """Tells a repeat of a request from another request with the same key. What is left to its
    default does not count, so that a new field does not make repeats strangers."""
    value = request.model_dump(mode="json", exclude={"idempotency_key"}, exclude_defaults=True)
    return digest(json.dumps(value, sort_keys=True).encode())


def default_name(document: PipelineDocument, now: datetime) -> str:
    """The display name of a run that was given none."""
    return f"{document.pipeline_spec.pipeline_info.name} {now:%Y-%m-%d %H-%M-%S}"

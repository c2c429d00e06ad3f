"""Submit requests: the spec they include, their parameters, and what they leave to defaults."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parameters import InvalidParameters, run_parameters
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import RunSubmitted
from headrace_runtime.errors import RejectedError

from headrace_api.errors import malformed, not_found
from headrace_api.pipelines.rules.documents import checked_document, stored_form
from headrace_api.pipelines.rules.packages import documents_of
from headrace_api.runs.rules.macros import ScheduledSlot, expanded


def included_document(request: SubmitRun) -> PipelineDocument | None:
    """The spec that the request includes; None when it refers to a stored pipeline or a run.

    Raises:
        RejectedError: the spec is invalid, or the request does not have exactly one source.
    """
    sources = [request.pipeline_spec, request.package, request.pipeline, request.rerun]
    if sum(source is not None for source in sources) != 1:
        raise malformed(
            "exactly one of pipeline_spec, package, pipeline and rerun is required",
            "pipeline_spec",
        )
    if request.pipeline_spec is not None:
        return checked_document([request.pipeline_spec])
    if request.package is not None:
        return checked_document(documents_of(request.package.encode()))
    return None


def rerun_request(request: SubmitRun, earlier: RunSubmitted) -> SubmitRun:
    """The request, with what it leaves out taken from the earlier run."""
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
    """Check that each path begins with a task of the root DAG. Tasks that are nested deeper are
    not in the spec: they are known when the run plans them.

    Raises:
        RejectedError: NOT_FOUND, naming the path.
    """
    dag = document.pipeline_spec.root.dag
    known = set() if dag is None else set(dag.tasks)
    for path in tasks:
        root, *names = path.split("/")
        if root != "root" or not names or names[0] not in known:
            raise not_found(
                f"the run has no task {path!r}; a path starts with root/ and one of these tasks: "
                f"{', '.join(sorted(known))}",
                "rerun.tasks",
            )


def fitted_parameters(
    document: PipelineDocument,
    parameters: dict[str, Any],
    run_id: UUID,
    now: datetime,
    slot: ScheduledSlot | None = None,
) -> dict[str, Any]:
    """The parameters of the run: converted to their types, with defaults, macros expanded.

    Raises:
        RejectedError: a parameter is unknown, missing, or of the wrong type.
    """
    inputs = document.pipeline_spec.root.input_definitions
    try:
        values = run_parameters(inputs, parameters)
    except InvalidParameters as error:
        raise RejectedError(error.rejection) from None
    return expanded(values, run_id, now, slot)


def deadline(document: PipelineDocument, request: SubmitRun) -> float | None:
    """The maximum duration of the run in seconds: the request's, else the pipeline's."""
    if request.deadline_seconds is not None:
        return request.deadline_seconds
    return document.kubernetes.pipeline_config.active_deadline_seconds


def frozen(document: PipelineDocument) -> bytes:
    """The spec as canonical JSON: equal specs have equal digests."""
    return json.dumps(stored_form(document), sort_keys=True, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return sha256(content).hexdigest()


def request_digest(request: SubmitRun) -> str:
    """Tells a repeated request from a different one with the same key. Fields that have their
    defaults do not count: a field that is added later does not change the digest."""
    value = request.model_dump(mode="json", exclude={"idempotency_key"}, exclude_defaults=True)
    return digest(json.dumps(value, sort_keys=True).encode())


def default_name(document: PipelineDocument, now: datetime) -> str:
    """The display name of a run whose request has none."""
    return f"{document.pipeline_spec.pipeline_info.name} {now:%Y-%m-%d %H-%M-%S}"

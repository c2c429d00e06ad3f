"""Our resources in the words of KFP's API, and its requests in ours.

Source: KFP's v2beta1 protos and their JSON mapping: snake_case names, empty values left out,
64-bit integers as texts.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from headrace_contracts.commands import SubmitRun
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.resources import Experiment, Pipeline, PipelineVersion, Run, Task
from headrace_contracts.states import RunState, TaskState
from headrace_runtime.errors import RejectedError
from pydantic import ValidationError

NAMESPACE = "default"
_EPOCH = "1970-01-01T00:00:00Z"
"""What KFP's server says where a moment is not there yet; its clients rely on a value."""

_RUN_STATES = {
    RunState.CANCELED: "FAILED",  # KFP's client waits for ever for a run that ends as CANCELED
}
_TASK_STATES = {  # KFP's client refuses a state that KFP does not have
    TaskState.READY: "PENDING",
    TaskState.WAITING: "PENDING",
}
_GRPC = {
    RejectionCode.NOT_FOUND: 5,
    RejectionCode.CONFLICT: 6,
}
_INVALID_ARGUMENT = 3


def time(at: datetime | None) -> str | None:
    """A moment as the API writes it."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def present(value: dict[str, Any]) -> dict[str, Any]:
    """The message without its empty fields."""
    return {key: item for key, item in value.items() if item not in (None, "", [], {}, ())}


def status(rejection: Rejection) -> dict[str, Any]:
    """An error as google.rpc.Status."""
    return status_of(_GRPC.get(rejection.code, _INVALID_ARGUMENT), rejection.message)


def status_of(code: int, message: str) -> dict[str, Any]:
    """An error from its gRPC code."""
    detail = {"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}
    return {"code": code, "message": message, "details": [detail]}


def experiment(found: Experiment) -> dict[str, Any]:
    """V2beta1Experiment."""
    return present(
        {
            "experiment_id": str(found.experiment_id),
            "display_name": found.display_name,
            "description": found.description,
            "created_at": time(found.created_at),
            "last_run_created_at": _EPOCH,
            "storage_state": "AVAILABLE",
        }
    )


def pipeline(found: Pipeline) -> dict[str, Any]:
    """V2beta1Pipeline."""
    return present(
        {
            "pipeline_id": str(found.pipeline_id),
            "display_name": found.display_name,
            "name": found.name,
            "description": found.description,
            "created_at": time(found.created_at),
        }
    )


def version(found: PipelineVersion) -> dict[str, Any]:
    """V2beta1PipelineVersion."""
    return present(
        {
            "pipeline_id": str(found.pipeline_id),
            "pipeline_version_id": str(found.pipeline_version_id),
            "display_name": found.display_name,
            "name": found.name,
            "description": found.description,
            "created_at": time(found.created_at),
            "pipeline_spec": None if found.document is None else spec(found.document),
        }
    )


def spec(document: dict[str, Any]) -> dict[str, Any]:
    """A frozen spec as the API gives it: bare, or with its platform spec."""
    if document.get("platform_spec"):
        return document
    return dict(document["pipeline_spec"])


def run(found: Run, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """V2beta1Run, its tasks included where they are known."""
    reference = None
    if found.pipeline.pipeline_version_id is not None:
        reference = {
            "pipeline_id": str(found.pipeline.pipeline_id),
            "pipeline_version_id": str(found.pipeline.pipeline_version_id),
        }
    details = [task(one, found) for one in found.tasks or ()]
    return present(
        {
            "experiment_id": str(found.experiment_id),
            "run_id": str(found.run_id),
            "display_name": found.display_name,
            "description": found.description,
            "storage_state": "ARCHIVED" if found.archived else "AVAILABLE",
            "recurring_run_id": str(found.recurring_run_id) if found.recurring_run_id else None,
            "pipeline_version_reference": reference,
            "pipeline_spec": spec(document) if document and reference is None else None,
            "runtime_config": present(
                {"parameters": found.parameters, "pipeline_root": found.pipeline_root}
            ),
            "service_account": found.service_account,
            "created_at": time(found.created_at),
            "scheduled_at": time(found.scheduled_at or found.created_at),
            "finished_at": time(found.finished_at) or _EPOCH,
            "state": _RUN_STATES.get(found.state, found.state.value),
            "error": _error(found),
            "run_details": {"task_details": details} if details else None,
            "state_history": [
                {"update_time": time(c.at), "state": _RUN_STATES.get(c.state, c.state.value)}
                for c in found.state_history
            ],
        }
    )


def _error(found: Run) -> dict[str, Any] | None:
    if found.state is RunState.CANCELED:
        return {"code": 1, "message": "the run was terminated"}
    return None if found.error is None else {"code": 2, "message": found.error.message}


def task(found: Task, owner: Run) -> dict[str, Any]:
    """V2beta1PipelineTaskDetail."""
    return present(
        {
            "run_id": str(owner.run_id),
            "task_id": str(found.task_id),
            "display_name": found.display_name,
            "create_time": time(found.created_at),
            "start_time": time(found.started_at) or _EPOCH,
            "end_time": time(found.finished_at) or _EPOCH,
            "state": _TASK_STATES.get(found.state, found.state.value),
            "error": {"code": 2, "message": found.error.message} if found.error else None,
            "parent_task_id": str(found.parent_task_id) if found.parent_task_id else None,
            "inputs": _artifact_ids(found.inputs.artifacts),
            "outputs": _artifact_ids(found.outputs.artifacts),
            "state_history": [
                {
                    "update_time": time(found.finished_at or found.started_at or found.created_at),
                    "state": _TASK_STATES.get(found.state, found.state.value),
                }
            ],
        }
    )


def _artifact_ids(artifacts: Any) -> dict[str, Any]:
    return {
        name: {"artifact_ids": [str(artifact.artifact_id) for artifact in given]}
        for name, given in artifacts.items()
    }


def submit_request(body: dict[str, Any]) -> SubmitRun:
    """A V2beta1Run that a client posts, as our request.

    Raises:
        RejectedError: a field is unknown or of the wrong shape.
    """
    known = {
        "experiment_id", "display_name", "description", "pipeline_spec", "runtime_config",
        "pipeline_version_reference", "service_account",
    }  # fmt: skip
    given = {snake(key): value for key, value in body.items()}
    for key in given:
        if key not in known:
            raise invalid(f"unknown field {key!r}", key)
    config = _message(given, "runtime_config")
    reference = _message(given, "pipeline_version_reference")
    fields = {
        "pipeline_spec": given.get("pipeline_spec"),
        "pipeline": reference or None,
        "experiment_id": given.get("experiment_id"),
        "display_name": given.get("display_name"),
        "description": given.get("description"),
        "service_account": given.get("service_account"),
        "parameters": config.get("parameters"),
        "pipeline_root": config.get("pipeline_root"),
    }
    try:
        return SubmitRun.model_validate(present(fields))
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise invalid(f"{place}: {detail['msg']}", place) from None


def _message(given: dict[str, Any], name: str) -> dict[str, Any]:
    """A field that is a message of its own, its fields in snake_case; empty when absent."""
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise invalid(f"{name} is not an object", name)
    return {snake(key): item for key, item in value.items()}


def name_filter(text: str) -> str | None:
    """The name that a list's filter asks for; None without a filter.

    Raises:
        RejectedError: it is not a filter, or one that is not supported yet.
    """
    if not text:
        return None
    try:
        predicates = json.loads(text).get("predicates", [])
        (predicate,) = predicates
        operation = predicate["operation"]
        key = predicate["key"]
        value = predicate.get("stringValue", predicate.get("string_value"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise invalid("filter is not one predicate as JSON", "filter") from None
    if operation not in (1, "EQUALS") or key not in ("name", "display_name"):
        raise invalid(f"filter: only EQUALS on the name is supported, not {key}", "filter")
    if not isinstance(value, str):
        raise invalid("filter: string_value is missing or not a text", "filter")
    return value


def snake(name: str) -> str:
    """A field's name in snake_case; clients may send either."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def invalid(message: str, field: str) -> RejectedError:
    """A refusal of a request that is not of the documented shape."""
    return RejectedError.because(RejectionCode.MALFORMED, message, field)

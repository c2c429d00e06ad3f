"""Reasons for failures, as data: a stable code for programs and a message for people."""

from __future__ import annotations

from enum import StrEnum

from headrace_contracts.base import Contract


class FailureCode(StrEnum):
    """Why a task or run failed. A code is never renamed or given another meaning."""

    COMMAND_FAILED = "COMMAND_FAILED"
    COMMAND_NOT_FOUND = "COMMAND_NOT_FOUND"
    TIMEOUT = "TIMEOUT"
    CANCELED = "CANCELED"
    INPUT_FETCH_FAILED = "INPUT_FETCH_FAILED"
    OUTPUT_MISSING = "OUTPUT_MISSING"
    OUTPUT_INVALID = "OUTPUT_INVALID"
    OUTPUT_UPLOAD_FAILED = "OUTPUT_UPLOAD_FAILED"
    LAUNCHER_ERROR = "LAUNCHER_ERROR"
    ENVIRONMENT_FAILED = "ENVIRONMENT_FAILED"
    """The packages that the step requires could not be installed."""
    PLACEHOLDER_INVALID = "PLACEHOLDER_INVALID"
    """The command refers to an input or output that the component does not have."""
    ATTEMPT_LOST = "ATTEMPT_LOST"
    """The process or pod of the attempt disappeared without a result."""
    INPUT_INVALID = "INPUT_INVALID"
    """An input could not be resolved, or its value does not match its type."""
    CONDITION_INVALID = "CONDITION_INVALID"
    """The task's condition cannot be evaluated."""
    TASK_FAILED = "TASK_FAILED"
    """A run or DAG failed because one of its tasks did."""
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The run exceeded its deadline."""


class Failure(Contract):
    """What failed, and in which task."""

    code: FailureCode
    message: str
    task_name: str | None = None


class RejectionCode(StrEnum):
    """Why a request was rejected. It had no effect; correct it and send it again."""

    MALFORMED = "MALFORMED"
    """Not JSON or YAML, or not of the documented form."""
    INVALID_SPEC = "INVALID_SPEC"
    """The pipeline spec is not a valid PipelineSpec 2.1.0."""
    UNSUPPORTED_FEATURE = "UNSUPPORTED_FEATURE"
    """The spec is valid, but uses a feature that is not supported."""
    INVALID_PARAMETER = "INVALID_PARAMETER"
    """A parameter is unknown, missing, of the wrong type or not among the allowed values."""
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """The credential is missing, expired or unknown."""
    FORBIDDEN = "FORBIDDEN"
    """The caller may see the object, but not do this with it."""
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    """The caller exceeds the rate limit; send the request again later."""
    INSUFFICIENT_STORAGE = "INSUFFICIENT_STORAGE"
    """The deployment has too little free disk space; send the request again when there is more."""


class Rejection(Contract):
    """Why a request was rejected: code, message, and the field or path in the spec."""

    code: RejectionCode
    message: str
    field: str | None = None

"""Why something failed, as data: a stable code for programs, a sentence for people."""

from __future__ import annotations

from enum import StrEnum

from headrace_contracts.base import Contract


class FailureCode(StrEnum):
    """Stable codes. A code is never renamed or given a second meaning."""

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
    """The packages that a step asks for could not be installed."""
    PLACEHOLDER_INVALID = "PLACEHOLDER_INVALID"
    """The command names an input or output that the component does not have."""
    ATTEMPT_LOST = "ATTEMPT_LOST"
    """The attempt's process or pod vanished without leaving a result."""
    INPUT_INVALID = "INPUT_INVALID"
    """An input could not be resolved, or its value does not fit its type."""
    CONDITION_INVALID = "CONDITION_INVALID"
    """The task's condition cannot be evaluated."""
    TASK_FAILED = "TASK_FAILED"
    """A run or DAG failed because one of its tasks did."""
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The run took longer than it was given."""


class Failure(Contract):
    """What went wrong, where."""

    code: FailureCode
    message: str
    task_name: str | None = None


class RejectionCode(StrEnum):
    """Why a request was refused. Refused means: nothing was kept, correct it and send it again."""

    MALFORMED = "MALFORMED"
    """Not JSON or YAML, or not of the documented shape."""
    INVALID_SPEC = "INVALID_SPEC"
    """The pipeline spec is not a sound PipelineSpec 2.1.0."""
    UNSUPPORTED_FEATURE = "UNSUPPORTED_FEATURE"
    """The spec is sound, but says something that is not carried out yet."""
    INVALID_PARAMETER = "INVALID_PARAMETER"
    """A parameter is unknown, missing, of the wrong type or not among the allowed values."""
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """Nobody known asks: a credential is missing, expired or not one of ours."""
    FORBIDDEN = "FORBIDDEN"
    """Who asks may see the object, and not do this to it."""
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    """Nothing is wrong with it but the pace: send it again later."""


class Rejection(Contract):
    """A refusal: which rule, what is wrong, and the field or place in the spec at fault."""

    code: RejectionCode
    message: str
    field: str | None = None

"""From a result manifest, or its absence, to the event that reports the end of an attempt."""

from __future__ import annotations

from datetime import datetime

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import artifact_id
from headrace_contracts.launches import ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.messages.events import AttemptFailed, AttemptSucceeded
from headrace_contracts.values import Outputs

Outcome = AttemptSucceeded | AttemptFailed


def outcome(command: LaunchAttempt, manifest: ResultManifest, *, cancel_requested: bool) -> Outcome:
    """The end that a manifest describes. A step that was stopped although no cancellation was
    requested, as by a shutdown, is a failure of the platform."""
    text = manifest.log.text if manifest.log else None
    log = manifest.log.key if manifest.log and text is None else None
    if manifest.state == "SUCCEEDED":
        return AttemptSucceeded(
            run_id=command.run_id,
            task_id=command.task_id,
            attempt=command.attempt,
            outputs=_outputs(command, manifest),
            started_at=manifest.started_at or manifest.finished_at,
            finished_at=manifest.finished_at,
            log=log,
            log_text=text,
        )
    failure = manifest.failure or Failure(
        code=FailureCode.LAUNCHER_ERROR,
        message="the step failed, and its result manifest does not say why",
    )
    interrupted = failure.code is FailureCode.CANCELED and not cancel_requested
    if interrupted:
        failure = Failure(
            code=FailureCode.ATTEMPT_LOST, message="the step was stopped by a shutdown"
        )
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=failure,
        retryable=interrupted or failure.code in _PLATFORM_FAILURES,
        started_at=manifest.started_at,
        finished_at=manifest.finished_at,
        exit_code=manifest.exit_code,
        log=log,
        log_text=text,
    )


_PLATFORM_FAILURES = frozenset(
    {
        FailureCode.INPUT_FETCH_FAILED,
        FailureCode.OUTPUT_UPLOAD_FAILED,
        FailureCode.ATTEMPT_LOST,  # the machine had no resources to start the command
    }
)


def lost(
    command: LaunchAttempt, reason: str, now: datetime, *, cancel_requested: bool
) -> AttemptFailed:
    """The end of an attempt that left no manifest; `reason` says why. Retryable, unless it was
    canceled."""
    if cancel_requested:
        failure = Failure(code=FailureCode.CANCELED, message="the step was canceled")
    else:
        failure = Failure(code=FailureCode.ATTEMPT_LOST, message=reason)
    return failed(command, failure, now, retryable=not cancel_requested)


def failed(
    command: LaunchAttempt, failure: Failure, now: datetime, *, retryable: bool = False
) -> AttemptFailed:
    """The end of an attempt without a result manifest."""
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=failure,
        retryable=retryable,
        finished_at=now,
    )


def _outputs(command: LaunchAttempt, manifest: ResultManifest) -> Outputs:
    return Outputs(
        parameters=manifest.parameters,
        artifacts={
            name: tuple(
                artifact.model_copy(
                    update={
                        "artifact_id": artifact_id(
                            command.run_id, command.task_id, command.attempt, name, index
                        )
                    }
                )
                for index, artifact in enumerate(artifacts)
            )
            for name, artifacts in manifest.artifacts.items()
        },
    )

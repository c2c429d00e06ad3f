"""Translation of recurring runs into KFP's messages, and of KFP's requests into definitions."""

from __future__ import annotations

from typing import Any

from headrace_contracts.recurring import (
    RecurringRun,
    RecurringRunDefinition,
    RecurringRunPage,
    Trigger,
)
from pydantic import ValidationError

from headrace_ui_gateway.kfp.messages.errors import (
    INVALID_ARGUMENT,
    first_validation_error,
    invalid,
    spec,
)
from headrace_ui_gateway.kfp.messages.resources import (
    GoogleRpcStatus,
    Mode,
    RecurringRunStatus,
    V2beta1CronSchedule,
    V2beta1ListRecurringRunsResponse,
    V2beta1PeriodicSchedule,
    V2beta1PipelineVersionReference,
    V2beta1RecurringRun,
    V2beta1Trigger,
)
from headrace_ui_gateway.kfp.translate.runs import common_fields, runtime_config


def recurring_run(found: RecurringRun, *, multi_user: bool = False) -> V2beta1RecurringRun:
    """One recurring run."""
    document = found.pipeline_spec
    if document is not None and "pipeline_spec" in document:
        document = spec(document)
    error = found.last_error
    return V2beta1RecurringRun(
        recurring_run_id=str(found.recurring_run_id),
        display_name=found.display_name,
        description=found.description,
        pipeline_spec=document,
        pipeline_version_reference=_reference(found),
        runtime_config=runtime_config(found.parameters, found.pipeline_root),
        service_account=found.service_account,
        max_concurrency=found.max_concurrency,
        trigger=_trigger(found.trigger),
        mode=Mode.ENABLE if found.enabled else Mode.DISABLE,
        created_at=found.created_at,
        updated_at=found.updated_at,
        status=RecurringRunStatus.ENABLED if found.enabled else RecurringRunStatus.DISABLED,
        error=error and GoogleRpcStatus(code=INVALID_ARGUMENT, message=error.rejection.message),
        no_catchup=not found.catch_up,
        namespace=found.namespace if multi_user else "",
        experiment_id=str(found.experiment_id or ""),
    )


def recurring_runs(
    found: RecurringRunPage, *, multi_user: bool
) -> V2beta1ListRecurringRunsResponse:
    """A page of recurring runs."""
    return V2beta1ListRecurringRunsResponse(
        recurring_runs=[recurring_run(one, multi_user=multi_user) for one in found.recurring_runs],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def _reference(found: RecurringRun) -> V2beta1PipelineVersionReference | None:
    if found.pipeline is None:
        return None
    return V2beta1PipelineVersionReference(
        pipeline_id=str(found.pipeline.pipeline_id or ""),
        pipeline_version_id=str(found.pipeline.pipeline_version_id or ""),
    )


def _trigger(found: Trigger) -> V2beta1Trigger:
    start, end = found.start_at, found.end_at
    if found.interval_seconds is not None:
        return V2beta1Trigger(
            periodic_schedule=V2beta1PeriodicSchedule(
                start_time=start, end_time=end, interval_second=found.interval_seconds
            )
        )
    zone = "" if found.time_zone == "UTC" else f"TZ={found.time_zone} "
    schedule = V2beta1CronSchedule(start_time=start, end_time=end, cron=f"{zone}{found.cron}")
    return V2beta1Trigger(cron_schedule=schedule)


def definition(body: V2beta1RecurringRun, namespace: str) -> RecurringRunDefinition:
    """The definition of a recurring run that a client posts.

    Raises:
        RejectedError: the body is invalid.
    """
    values = {
        **common_fields(body),
        "namespace": namespace,
        "trigger": _definition_trigger(body.trigger or V2beta1Trigger()),
        "enabled": body.mode is Mode.ENABLE,
        "catch_up": not body.no_catchup,
    }
    if body.max_concurrency:
        values["max_concurrency"] = body.max_concurrency
    try:
        return RecurringRunDefinition.model_validate(values)
    except ValidationError as error:
        raise first_validation_error(error) from None


def _definition_trigger(given: V2beta1Trigger) -> dict[str, Any]:
    cron, periodic = given.cron_schedule, given.periodic_schedule
    if (cron is None) == (periodic is None):
        raise invalid(
            "trigger must have exactly one of cron_schedule and periodic_schedule", "trigger"
        )
    if cron is not None:
        return {"cron": cron.cron, "start_at": cron.start_time, "end_at": cron.end_time}
    assert periodic is not None
    return {
        "interval_seconds": periodic.interval_second,
        "start_at": periodic.start_time,
        "end_at": periodic.end_time,
    }

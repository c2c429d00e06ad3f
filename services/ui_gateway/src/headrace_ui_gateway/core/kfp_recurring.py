"""Recurring runs in the words of KFP's API, and its requests in ours."""

from __future__ import annotations

from typing import Any

from headrace_contracts.recurring import RecurringRun, RecurringRunDefinition, Trigger
from headrace_runtime.errors import RejectedError
from pydantic import ValidationError

from headrace_ui_gateway.core import kfp

_OF_RUN = {
    "experiment_id", "display_name", "description", "pipeline_spec", "runtime_config",
    "pipeline_version_reference", "service_account",
}  # fmt: skip
_OWN = {"max_concurrency", "trigger", "mode", "no_catchup", "namespace"}
_KINDS = {
    "cron_schedule": {"start_time": "start_at", "end_time": "end_at", "cron": "cron"},
    "periodic_schedule": {
        "start_time": "start_at",
        "end_time": "end_at",
        "interval_second": "interval_seconds",
    },
}


def recurring_run(found: RecurringRun) -> dict[str, Any]:
    """V2beta1RecurringRun."""
    reference = None
    if found.pipeline is not None:
        reference = kfp.present(found.pipeline.model_dump(mode="json", exclude_none=True))
    spec = found.pipeline_spec
    if spec is not None and "pipeline_spec" in spec:
        spec = kfp.spec(spec)
    error = found.last_error
    return kfp.present(
        {
            "recurring_run_id": str(found.recurring_run_id),
            "display_name": found.display_name,
            "description": found.description,
            "experiment_id": str(found.experiment_id) if found.experiment_id else None,
            "pipeline_version_reference": reference,
            "pipeline_spec": spec,
            "runtime_config": kfp.present(
                {"parameters": found.parameters, "pipeline_root": found.pipeline_root}
            ),
            "service_account": found.service_account,
            "max_concurrency": str(found.max_concurrency),
            "trigger": _trigger(found.trigger),
            "mode": "ENABLE" if found.enabled else "DISABLE",
            "status": "ENABLED" if found.enabled else "DISABLED",
            "no_catchup": not found.catch_up,
            "created_at": kfp.time(found.created_at),
            "updated_at": kfp.time(found.updated_at),
            "error": {"code": 3, "message": error.rejection.message} if error else None,
        }
    )


def _trigger(found: Trigger) -> dict[str, Any]:
    schedule = {"start_time": kfp.time(found.start_at), "end_time": kfp.time(found.end_at)}
    if found.interval_seconds is not None:
        interval = {"interval_second": str(found.interval_seconds)}
        return {"periodic_schedule": kfp.present({**schedule, **interval})}
    zone = "" if found.time_zone == "UTC" else f"TZ={found.time_zone} "
    return {"cron_schedule": kfp.present({**schedule, "cron": f"{zone}{found.cron}"})}


def definition(body: dict[str, Any]) -> RecurringRunDefinition:
    """A V2beta1RecurringRun that a client posts, as our definition.

    Raises:
        RejectedError: a field is unknown or of the wrong shape.
    """
    fields = {kfp.snake(key): value for key, value in body.items()}
    for key in fields:
        if key not in _OF_RUN | _OWN:
            raise kfp.invalid(f"unknown field {key!r}", key)
    request = kfp.submit_request({key: fields[key] for key in _OF_RUN if key in fields})
    values = {
        **request.model_dump(exclude_unset=True, exclude={"type", "v"}),
        "namespace": kfp.NAMESPACE,
        "trigger": _own_trigger(fields.get("trigger")),
        "enabled": _enabled(fields.get("mode")),
        "catch_up": not fields.get("no_catchup"),
    }
    if fields.get("max_concurrency") is not None:
        values["max_concurrency"] = fields["max_concurrency"]
    try:
        return RecurringRunDefinition.model_validate(values)
    except ValidationError as error:
        raise _first_fault(error) from None


def _own_trigger(given: Any) -> dict[str, Any]:
    kinds = {kfp.snake(key): value for key, value in (given or {}).items()}
    if len(kinds) != 1 or not kinds.keys() <= _KINDS.keys():
        raise kfp.invalid(
            "trigger has to have one of cron_schedule and periodic_schedule", "trigger"
        )
    ((kind, schedule),) = kinds.items()
    names = _KINDS[kind]
    values = {}
    for key, value in (schedule or {}).items():
        if kfp.snake(key) not in names:
            raise kfp.invalid(f"unknown field {key!r}", f"trigger.{kind}.{key}")
        values[names[kfp.snake(key)]] = value
    return values


def _enabled(mode: Any) -> bool:
    if mode not in (None, "MODE_UNSPECIFIED", "ENABLE", "DISABLE", 0, 1, 2):
        raise kfp.invalid(f"mode {mode!r} is neither ENABLE nor DISABLE", "mode")
    return mode in ("ENABLE", 1)


def _first_fault(error: ValidationError) -> RejectedError:
    detail = error.errors()[0]
    place = ".".join(str(part) for part in detail["loc"])
    return kfp.invalid(f"{place}: {detail['msg']}", place)

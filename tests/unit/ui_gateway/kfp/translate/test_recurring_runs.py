"""Recurring runs as KFP's client sends and reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.recurring import RecurringRun, RecurringRunDefinition
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.kfp.messages.resources import V2beta1RecurringRun
from headrace_ui_gateway.kfp.translate import recurring_runs as kfp_recurring

AT = datetime(2026, 1, 2, tzinfo=UTC)
BODY: dict[str, Any] = {
    "display_name": "job",
    "experiment_id": str(UUID(int=1)),
    "pipeline_version_reference": {
        "pipeline_id": str(UUID(int=2)),
        "pipeline_version_id": str(UUID(int=3)),
    },
    "runtime_config": {"parameters": {"n": 1}},
    "max_concurrency": 3,
    "trigger": {"cron_schedule": {"cron": "0 0 9 ? * 2-6", "end_time": "2027-01-01T00:00:00Z"}},
    "mode": "ENABLE",
    "no_catchup": True,
}


def definition(body: dict[str, Any]) -> RecurringRunDefinition:
    return kfp_recurring.definition(V2beta1RecurringRun.model_validate(body), "default")


def recurring_run(found: RecurringRun) -> dict[str, Any]:
    return kfp_recurring.recurring_run(found).to_dict()


def stored(body: dict[str, Any]) -> RecurringRun:
    """What the api would answer."""
    fields = definition(body).model_dump()
    return RecurringRun(**fields, recurring_run_id=UUID(int=9), created_at=AT, updated_at=AT)


def test_a_definition_is_returned_as_sent() -> None:
    answer = recurring_run(stored(BODY))
    assert answer == {
        **BODY,
        "max_concurrency": "3",
        "status": "ENABLED",
        "recurring_run_id": str(UUID(int=9)),
        "created_at": "2026-01-02T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
    }


def test_an_interval_in_camel_case_with_strings_for_numbers() -> None:
    trigger = {"periodicSchedule": {"startTime": "2027-01-01T00:00:00Z", "intervalSecond": "60"}}
    body = {**BODY, "trigger": trigger, "maxConcurrency": "2", "mode": "DISABLE"}
    del body["max_concurrency"], body["no_catchup"]
    found = stored(body)
    assert (found.trigger.interval_seconds, found.max_concurrency) == (60, 2)
    assert found.catch_up
    answer = recurring_run(found)
    assert answer["trigger"] == {
        "periodic_schedule": {"start_time": "2027-01-01T00:00:00Z", "interval_second": "60"}
    }
    assert (answer["mode"], answer["status"]) == ("DISABLE", "DISABLED")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"trigger": None}, "one of cron_schedule and periodic_schedule"),
        ({"trigger": {"cron_schedule": {"cron": ""}}}, "cron"),
        ({"trigger": {"periodic_schedule": {"interval_second": "0"}}}, "interval_seconds"),
        ({"max_concurrency": 11}, "max_concurrency"),
        ({"display_name": ""}, "display_name"),
    ],
)
def test_an_invalid_field_is_named(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(RejectedError, match=fault):
        definition({**BODY, **changes})

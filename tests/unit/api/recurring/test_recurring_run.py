"""How a recurring run changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from headrace_api.recurring.rules.recurring_run import (
    changed_definition,
    new_recurring_run,
    submission_for,
    with_definition,
    with_enabled,
)
from headrace_contracts.messages.commands import PipelineReference
from headrace_contracts.recurring import RecurringRunDefinition, Trigger
from headrace_runtime.errors import RejectedError

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEFINITION = RecurringRunDefinition(
    display_name="job",
    trigger=Trigger(interval_seconds=3600),
    pipeline=PipelineReference(name="p"),
    parameters={"a": 1},
    priority=4,
)


def test_enabling_skips_passed_slots_and_keeps_the_series() -> None:
    made = new_recurring_run(UUID(int=1), DEFINITION, T0)
    assert made.next_at == T0 + HOUR
    disabled = with_enabled(made, False, T0 + HOUR / 2)
    enabled = with_enabled(disabled, True, T0 + 5.5 * HOUR)
    assert enabled.next_at == T0 + 6 * HOUR
    assert with_enabled(enabled, True, T0 + 9 * HOUR) is enabled


def test_a_recurring_run_whose_time_zone_no_longer_exists_can_be_disabled() -> None:
    made = new_recurring_run(UUID(int=1), DEFINITION, T0)
    gone = Trigger(cron="0 * * * *", time_zone="Europe/Atlantis")
    broken = replace(made, definition=DEFINITION.model_copy(update={"trigger": gone}))
    assert not with_enabled(broken, False, T0).enabled
    with pytest.raises(RejectedError, match="unknown time zone"):
        with_enabled(replace(broken, enabled=False), True, T0)


def test_only_a_new_trigger_restarts_the_series() -> None:
    made = new_recurring_run(UUID(int=1), DEFINITION, T0)
    later = T0 + 5 * HOUR
    renamed = with_definition(made, changed_definition(made, {"display_name": "other"}), later)
    assert (renamed.next_at, renamed.definition.display_name) == (T0 + HOUR, "other")
    faster = with_definition(
        made, changed_definition(made, {"trigger": {"interval_seconds": 60}}), later
    )
    assert faster.next_at == later + timedelta(minutes=1)


def test_a_new_source_replaces_the_old_one() -> None:
    made = new_recurring_run(UUID(int=1), DEFINITION, T0)
    found = changed_definition(made, {"package": "text"})
    assert (found.package, found.pipeline) == ("text", None)


def test_a_slot_is_submitted_with_one_idempotency_key() -> None:
    made = new_recurring_run(UUID(int=1), DEFINITION, T0)
    request, slot = submission_for(made, T0 + HOUR)
    again, _ = submission_for(made, T0 + HOUR)
    assert request == again
    assert request.idempotency_key == f"recurring:{UUID(int=1)}:2026-01-01T01:00:00+00:00"
    assert (request.priority, request.display_name, slot.index) == (4, "job 1", 1)


def test_an_invalid_trigger_is_rejected() -> None:
    wrong = DEFINITION.model_copy(update={"trigger": Trigger(cron="nonsense")})
    with pytest.raises(RejectedError, match="1 fields"):
        new_recurring_run(UUID(int=1), wrong, T0)

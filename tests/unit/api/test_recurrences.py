"""How a recurring run changes, as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from headrace_api.core.recurrences import created, edited, merged, submission_for, switched
from headrace_contracts.commands import PipelineReference
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


def test_enabling_forgets_what_passed_and_keeps_the_grid() -> None:
    made = created(UUID(int=1), DEFINITION, T0)
    assert made.next_at == T0 + HOUR
    disabled = switched(made, False, T0 + HOUR / 2)
    enabled = switched(disabled, True, T0 + 5.5 * HOUR)
    assert enabled.next_at == T0 + 6 * HOUR
    assert switched(enabled, True, T0 + 9 * HOUR) is enabled


def test_only_a_new_trigger_counts_from_now() -> None:
    made = created(UUID(int=1), DEFINITION, T0)
    later = T0 + 5 * HOUR
    renamed = edited(made, merged(made, {"display_name": "other"}), later)
    assert (renamed.next_at, renamed.definition.display_name) == (T0 + HOUR, "other")
    faster = edited(made, merged(made, {"trigger": {"interval_seconds": 60}}), later)
    assert faster.next_at == later + timedelta(minutes=1)


def test_a_new_source_takes_the_place_of_the_old_one() -> None:
    made = created(UUID(int=1), DEFINITION, T0)
    found = merged(made, {"package": "text"})
    assert (found.package, found.pipeline) == ("text", None)


def test_a_slot_is_submitted_under_one_key() -> None:
    made = created(UUID(int=1), DEFINITION, T0)
    request, occasion = submission_for(made, T0 + HOUR)
    again, _ = submission_for(made, T0 + HOUR)
    assert request == again
    assert request.idempotency_key == f"recurring:{UUID(int=1)}:2026-01-01T01:00:00+00:00"
    assert (request.priority, request.display_name, occasion.index) == (4, "job 1", 1)


def test_a_trigger_that_is_none_is_refused() -> None:
    wrong = DEFINITION.model_copy(update={"trigger": Trigger(cron="nonsense")})
    with pytest.raises(RejectedError, match="1 fields"):
        created(UUID(int=1), wrong, T0)

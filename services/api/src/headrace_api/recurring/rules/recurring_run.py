"""A recurring run as it is stored: how it changes, and what is submitted for a slot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.recurring import (
    RecurringRun,
    RecurringRunDefinition,
    SubmissionError,
    Trigger,
)
from pydantic import ValidationError

from headrace_api.errors import invalid_parameter, malformed
from headrace_api.recurring.rules.cron import InvalidCron
from headrace_api.recurring.rules.triggers import Series, first_since, series
from headrace_api.runs.rules.macros import ScheduledSlot

_SUBMITTED = {
    "pipeline_spec",
    "package",
    "pipeline",
    "parameters",
    "description",
    "namespace",
    "experiment_id",
    "pipeline_root",
    "service_account",
    "priority",
    "deadline_seconds",
    "failure_strategy",
    "caching",
}
"""Fields of the definition that each run takes over."""
_SOURCES = ("pipeline_spec", "package", "pipeline")


@dataclass(frozen=True, slots=True)
class StoredRecurringRun:
    """A row of the table `recurring_run`."""

    recurring_run_id: UUID
    definition: RecurringRunDefinition
    enabled: bool
    anchor: datetime
    """When the trigger was set: an interval without a start counts from here."""
    since: datetime
    """Slots up to here are done, or do not count."""
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int = 0
    fired: int = 0
    last_run_id: UUID | None = None
    last_scheduled_at: datetime | None = None
    last_error: SubmissionError | None = None

    @property
    def slots(self) -> Series:
        """The slots of the trigger.

        Raises:
            RejectedError: the cron expression or the time zone is not valid, or no longer valid.
        """
        return _checked_series(self.definition.trigger, self.anchor)


def new_recurring_run(
    identity: UUID, definition: RecurringRunDefinition, now: datetime
) -> StoredRecurringRun:
    """A new recurring run. If the trigger starts in the past, slots since then count.

    Raises:
        RejectedError: the cron expression or the time zone is not valid.
    """
    since = first_since(definition.trigger, now)
    slots = _checked_series(definition.trigger, now)
    return StoredRecurringRun(
        recurring_run_id=identity,
        definition=definition,
        enabled=definition.enabled,
        anchor=now,
        since=since,
        next_at=next(slots.after(since), None),
        created_at=now,
        updated_at=now,
    )


def with_enabled(
    recurring_run: StoredRecurringRun, enabled: bool, now: datetime
) -> StoredRecurringRun:
    """The recurring run, enabled or disabled. Slots that passed while it was disabled do not
    count.

    Raises:
        RejectedError: it is to be enabled, and its cron expression or time zone is not valid.
    """
    if recurring_run.enabled == enabled:
        return recurring_run
    if not enabled:  # also when the trigger is no longer valid, such as a removed time zone
        return replace(recurring_run, enabled=False, updated_at=now)
    since = max(recurring_run.since, now)
    next_at = next(recurring_run.slots.after(since), None)
    return replace(recurring_run, enabled=True, since=since, next_at=next_at, updated_at=now)


def with_definition(
    recurring_run: StoredRecurringRun, definition: RecurringRunDefinition, now: datetime
) -> StoredRecurringRun:
    """The recurring run with another definition. The slots of a new trigger count from now."""
    changed = replace(recurring_run, definition=definition, updated_at=now)
    if definition.trigger != recurring_run.definition.trigger:
        since = max(recurring_run.since, now)
        changed = replace(changed, anchor=now, since=since)
        changed = replace(changed, next_at=next(changed.slots.after(since), None))
    return with_enabled(changed, definition.enabled, now)


def changed_definition(
    recurring_run: StoredRecurringRun, changes: dict[str, Any]
) -> RecurringRunDefinition:
    """The definition with some fields changed. A new source of the spec replaces the old one.

    Raises:
        RejectedError: a field is unknown, cannot be changed, or has an invalid value.
    """
    namespace = recurring_run.definition.namespace
    if changes.get("namespace", namespace) != namespace:
        raise malformed("namespace cannot be changed", "namespace")
    fields = recurring_run.definition.model_dump(mode="json", exclude_unset=True)
    fields["enabled"] = recurring_run.enabled
    if any(name in changes for name in _SOURCES):
        fields = {name: value for name, value in fields.items() if name not in _SOURCES}
    if "experiment" in changes:
        fields.pop("experiment_id", None)
    try:
        return RecurringRunDefinition.model_validate({**fields, **changes})
    except ValidationError as error:
        detail = error.errors()[0]
        path = ".".join(str(part) for part in detail["loc"])
        raise malformed(f"{path}: {detail['msg']}", path) from None


def submission_for(
    recurring_run: StoredRecurringRun, slot: datetime
) -> tuple[SubmitRun, ScheduledSlot]:
    """What to submit for a slot. The idempotency key makes repeated submissions one run."""
    index = recurring_run.fired + 1
    fields = recurring_run.definition.model_dump(include=_SUBMITTED)
    request = SubmitRun(
        **fields,
        display_name=f"{recurring_run.definition.display_name} {index}",
        idempotency_key=f"recurring:{recurring_run.recurring_run_id}:{slot.isoformat()}",
    )
    return request, ScheduledSlot(recurring_run.recurring_run_id, slot, index)


def resource(recurring_run: StoredRecurringRun) -> RecurringRun:
    """The recurring run as the HTTP interfaces return it."""
    fields = recurring_run.definition.model_dump(exclude={"enabled"})
    return RecurringRun(
        **fields,
        enabled=recurring_run.enabled,
        recurring_run_id=recurring_run.recurring_run_id,
        next_at=recurring_run.next_at if recurring_run.enabled else None,
        fired=recurring_run.fired,
        last_run_id=recurring_run.last_run_id,
        last_scheduled_at=recurring_run.last_scheduled_at,
        last_error=recurring_run.last_error,
        created_at=recurring_run.created_at,
        updated_at=recurring_run.updated_at,
    )


def _checked_series(trigger: Trigger, anchor: datetime) -> Series:
    try:
        return series(trigger, anchor)
    except InvalidCron as error:
        raise invalid_parameter(str(error), "trigger.cron") from None

"""A recurring run as it is kept: how it changes, and what is submitted for a slot of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.commands import SubmitRun
from headrace_contracts.failures import RejectionCode
from headrace_contracts.recurring import (
    RecurringRun,
    RecurringRunDefinition,
    SubmissionError,
    Trigger,
)
from headrace_runtime.errors import RejectedError
from pydantic import ValidationError

from headrace_api.core.cron import InvalidCron
from headrace_api.core.macros import Occasion
from headrace_api.core.triggers import Series, first_since, series

_SUBMITTED = (
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
)
_SOURCES = ("pipeline_spec", "package", "pipeline")
_FIXED = ("namespace",)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A row of a recurring run."""

    recurring_run_id: UUID
    definition: RecurringRunDefinition
    enabled: bool
    anchor: datetime
    """When its trigger was set: an interval without a start counts from here."""
    since: datetime
    """Slots up to here are dealt with, or do not count."""
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
        """The slots of its trigger."""
        return checked_series(self.definition.trigger, self.anchor)


def checked_series(trigger: Trigger, anchor: datetime) -> Series:
    """The slots of a trigger.

    Raises:
        RejectedError: its cron expression or its time zone is not one.
    """
    try:
        return series(trigger, anchor)
    except InvalidCron as error:
        raise RejectedError.because(
            RejectionCode.INVALID_PARAMETER, str(error), "trigger.cron"
        ) from None


def created(identity: UUID, definition: RecurringRunDefinition, now: datetime) -> Recurrence:
    """A new recurring run. A start in the past is made up for."""
    since = first_since(definition.trigger, now)
    slots = checked_series(definition.trigger, now)
    return Recurrence(
        recurring_run_id=identity,
        definition=definition,
        enabled=definition.enabled,
        anchor=now,
        since=since,
        next_at=next(slots.after(since), None),
        created_at=now,
        updated_at=now,
    )


def switched(found: Recurrence, enabled: bool, now: datetime) -> Recurrence:
    """Enabled or disabled. What passed while it was disabled does not count."""
    if found.enabled == enabled:
        return found
    since = max(found.since, now) if enabled else found.since
    next_at = next(found.slots.after(since), None)
    return replace(found, enabled=enabled, since=since, next_at=next_at, updated_at=now)


def edited(found: Recurrence, definition: RecurringRunDefinition, now: datetime) -> Recurrence:
    """With another definition. The slots of a new trigger count from now."""
    changed = replace(found, definition=definition, updated_at=now)
    if definition.trigger != found.definition.trigger:
        since = max(found.since, now)
        changed = replace(changed, anchor=now, since=since)
        changed = replace(changed, next_at=next(changed.slots.after(since), None))
    return switched(changed, definition.enabled, now)


def merged(found: Recurrence, changes: dict[str, Any]) -> RecurringRunDefinition:
    """The definition with some of its fields changed; a new source replaces the old one.

    Raises:
        RejectedError: a field is unknown, cannot be changed, or has a wrong value.
    """
    for name in _FIXED:
        if name in changes and changes[name] != getattr(found.definition, name):
            raise _malformed(f"{name} cannot be changed", name)
    fields = found.definition.model_dump(mode="json", exclude_unset=True)
    fields["enabled"] = found.enabled
    if any(name in changes for name in _SOURCES):
        fields = {key: value for key, value in fields.items() if key not in _SOURCES}
    if "experiment" in changes:
        fields.pop("experiment_id", None)
    try:
        return RecurringRunDefinition.model_validate({**fields, **changes})
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise _malformed(f"{place}: {detail['msg']}", place) from None


def submission_for(found: Recurrence, slot: datetime) -> tuple[SubmitRun, Occasion]:
    """What to submit for a slot. The key makes two submissions for it one run."""
    index = found.fired + 1
    fields = found.definition.model_dump(include=set(_SUBMITTED))
    request = SubmitRun(
        **fields,
        display_name=f"{found.definition.display_name} {index}",
        idempotency_key=f"recurring:{found.recurring_run_id}:{slot.isoformat()}",
    )
    return request, Occasion(found.recurring_run_id, slot, index)


def shown(found: Recurrence) -> RecurringRun:
    """As the HTTP interfaces give it out."""
    fields = found.definition.model_dump(exclude={"enabled"})
    return RecurringRun(
        **fields,
        enabled=found.enabled,
        recurring_run_id=found.recurring_run_id,
        next_at=found.next_at if found.enabled else None,
        fired=found.fired,
        last_run_id=found.last_run_id,
        last_scheduled_at=found.last_scheduled_at,
        last_error=found.last_error,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _malformed(message: str, field: str) -> RejectedError:
    return RejectedError.because(RejectionCode.MALFORMED, message, field)

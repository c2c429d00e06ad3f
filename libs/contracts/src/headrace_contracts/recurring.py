"""Recurring runs: resources of the HTTP interfaces."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from headrace_contracts.access import NAMESPACE
from headrace_contracts.base import Contract, Instant
from headrace_contracts.failures import Rejection
from headrace_contracts.ir.models import LONGEST_SECONDS
from headrace_contracts.ir.storable import require_storable
from headrace_contracts.messages.commands import PipelineReference
from headrace_contracts.resources import Page


class Trigger(Contract):
    """When runs are due: by a cron expression or at an interval, from `start_at` to `end_at`
    inclusive."""

    model_config = {**Contract.model_config, "extra": "forbid"}

    cron: str | None = Field(default=None, min_length=1, max_length=255)
    """Five fields, six with seconds first, or a macro such as ``@daily`` or ``@every 1h30m``."""
    time_zone: str = Field(default="UTC", max_length=64)
    """The IANA name of the zone in which `cron` is read."""
    interval_seconds: int | None = Field(default=None, ge=1, le=10 * 366 * 86400)
    start_at: Instant | None = None
    end_at: Instant | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Trigger:
        if (self.cron is None) == (self.interval_seconds is None):
            raise ValueError("exactly one of cron and interval_seconds is required")
        for name in ("start_at", "end_at"):
            time = getattr(self, name)
            if time is not None and not 1900 <= time.year <= 3000:
                raise ValueError(f"{name} must be between the years 1900 and 3000")
        if self.start_at and self.end_at and self.end_at < self.start_at:
            raise ValueError("end_at must not be before start_at")
        return self


class RecurringRunDefinition(Contract):
    """The definition of a recurring run: when it is due, and what is submitted.

    If the pipeline has no version, each run uses the newest version at its scheduled time.
    """

    model_config = {**Contract.model_config, "extra": "forbid"}

    display_name: str = Field(min_length=1, max_length=200)
    description: str = ""
    namespace: str = Field(default="default", pattern=NAMESPACE)
    experiment: str | None = None
    experiment_id: UUID | None = None
    trigger: Trigger
    enabled: bool = True
    catch_up: bool = True
    """Whether to create a run for each slot that was missed while the api did not run; otherwise
    only for the latest. Slots that pass while the recurring run is disabled are skipped."""
    max_concurrency: int = Field(default=1, ge=1, le=10)
    """A due slot waits while so many of its runs are active."""
    pipeline_spec: dict[str, Any] | None = None
    package: str | None = None
    pipeline: PipelineReference | None = None
    parameters: dict[str, Any] = {}
    """Strings may contain KFP's macros, such as ``[[ScheduledTime]]`` and ``[[Index]]``."""
    pipeline_root: str | None = None
    service_account: str = ""
    priority: int = Field(default=0, ge=-1000, le=1000)
    deadline_seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    caching: bool = True

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        return require_storable(values)


class SubmissionError(Contract):
    """The latest slot for which no run could be created, and why."""

    scheduled_at: Instant
    rejection: Rejection


class RecurringRun(RecurringRunDefinition):
    """A recurring run in its current state."""

    model_config = {**Contract.model_config, "extra": "ignore"}

    recurring_run_id: UUID
    next_at: Instant | None = None
    """The next slot; None if there is none or the recurring run is disabled."""
    fired: int = 0
    """The number of slots processed; the ``[[Index]]`` of the next run is one more."""
    last_run_id: UUID | None = None
    last_scheduled_at: Instant | None = None
    last_error: SubmissionError | None = None
    """None if a run was created for the latest slot."""
    created_at: Instant
    updated_at: Instant


class RecurringRunPage(Page):
    """A page of recurring runs, newest first."""

    recurring_runs: tuple[RecurringRun, ...] = ()


class Moments(Contract):
    """The next scheduled times of a recurring run."""

    moments: tuple[Instant, ...] = ()

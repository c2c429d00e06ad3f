"""Recurring runs, as the HTTP interfaces speak of them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from headrace_contracts.access import NAMESPACE
from headrace_contracts.base import Contract, Instant
from headrace_contracts.commands import PipelineReference
from headrace_contracts.failures import Rejection
from headrace_contracts.ir.models import LONGEST_SECONDS
from headrace_contracts.ir.storable import unstorable
from headrace_contracts.resources import Page


class Trigger(Contract):
    """When runs are due: by a cron expression or at an interval, between two moments.

    Slots lie from `start_at` to `end_at`, both included.
    """

    model_config = {**Contract.model_config, "extra": "forbid"}

    cron: str | None = Field(default=None, min_length=1, max_length=255)
    """Five fields, six with seconds first, or a word such as ``@daily`` or ``@every 1h30m``."""
    time_zone: str = Field(default="UTC", max_length=64)
    """The IANA name of the zone in which `cron` is read."""
    interval_seconds: int | None = Field(default=None, ge=1, le=10 * 366 * 86400)
    start_at: Instant | None = None
    end_at: Instant | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Trigger:
        if (self.cron is None) == (self.interval_seconds is None):
            raise ValueError("exactly one of cron and interval_seconds has to be given")
        for name in ("start_at", "end_at"):
            moment = getattr(self, name)
            if moment is not None and not 1900 <= moment.year <= 3000:
                raise ValueError(f"{name} is not between the years 1900 and 3000")
        if self.start_at and self.end_at and self.end_at < self.start_at:
            raise ValueError("end_at is before start_at")
        return self


class RecurringRunDefinition(Contract):
    """What a recurring run is: when it is due, and what is submitted then.

    Of a pipeline that is named without a version, each run takes the version that is the newest
    at its moment.
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
    """Whether slots that were missed, while nothing ran to see them, are made up for one by one;
    else only the latest is. Slots that pass while the recurring run is disabled do not count."""
    max_concurrency: int = Field(default=1, ge=1, le=10)
    """While so many of its runs are active, a due slot waits."""
    pipeline_spec: dict[str, Any] | None = None
    package: str | None = None
    pipeline: PipelineReference | None = None
    parameters: dict[str, Any] = {}
    """Texts in it may hold KFP's macros, such as ``[[ScheduledTime]]`` and ``[[Index]]``."""
    pipeline_root: str | None = None
    service_account: str = ""
    priority: int = Field(default=0, ge=-1000, le=1000)
    deadline_seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    failure_strategy: Literal["FAIL_FAST", "CONTINUE"] = "FAIL_FAST"
    caching: bool = True

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        if (found := unstorable(values)) is not None:
            location, words = found
            raise ValueError(f"{'.'.join(map(str, location)) or 'the request'} {words}")
        return values


class SubmissionError(Contract):
    """The latest slot for which no run could be submitted, and why."""

    scheduled_at: Instant
    rejection: Rejection


class RecurringRun(RecurringRunDefinition):
    """A recurring run as it stands."""

    model_config = {**Contract.model_config, "extra": "ignore"}

    recurring_run_id: UUID
    next_at: Instant | None = None
    """The next slot; None when there is none, or it is disabled."""
    fired: int = 0
    """How many slots have been taken; the next run's ``[[Index]]`` is one more."""
    last_run_id: UUID | None = None
    last_scheduled_at: Instant | None = None
    last_error: SubmissionError | None = None
    """None as soon as a run could be submitted again."""
    created_at: Instant
    updated_at: Instant


class RecurringRunPage(Page):
    """A page of recurring runs, newest first."""

    recurring_runs: tuple[RecurringRun, ...] = ()


class Moments(Contract):
    """The next slots of a recurring run."""

    moments: tuple[Instant, ...] = ()

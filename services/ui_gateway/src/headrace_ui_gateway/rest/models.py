"""What ``/api/v1`` reads and answers beyond the resources that the services have in common."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from headrace_contracts.access import Role
from headrace_contracts.base import Contract, Instant
from headrace_contracts.events import Origin
from headrace_contracts.recurring import RecurringRunDefinition, Trigger
from pydantic import ConfigDict, Field

STRICT = ConfigDict(**{**Contract.model_config, "extra": "forbid"})


class Done(Contract):
    """It was done, or asked for; there is nothing to tell of it."""


class Info(Contract):
    """What this deployment is, and what the caller may do in it."""

    name: Literal["headrace"] = "headrace"
    version: str
    apis: tuple[str, ...]
    """The prefixes that it serves."""
    roles: dict[str, Role]
    """The caller's role by namespace; ``*`` is every namespace."""
    max_package_bytes: int
    """How large an uploaded package may be."""
    max_page_size: int
    """How many a page of a list holds at most."""


class RunEvent(Contract):
    """One thing that happened to a run."""

    seq: int
    """Its place in the record; grows within a run, with gaps."""
    event_id: str
    type: str
    """Its name in the catalogue of messages, for instance ``task.succeeded``."""
    time: Instant
    body: dict[str, Any]
    """The event itself, as the catalogue describes it."""


class RunEvents(Contract):
    """Some of a run's events, in the order in which they were kept."""

    events: tuple[RunEvent, ...] = ()


class NamedTask(Contract):
    """A task by its names."""

    task_id: UUID
    path: str
    display_name: str


class RerunPreview(Contract):
    """What a rerun would take over from the earlier run, and what it would run."""

    reuse: tuple[NamedTask, ...] = ()
    run: tuple[NamedTask, ...] = ()


class Execution(Contract):
    """An earlier execution of a component."""

    run_id: UUID
    task_id: UUID


class Difference(Contract):
    """A part of two fingerprints that differs; what is absent was not there."""

    model_config = {**Contract.model_config, "populate_by_name": True, "serialize_by_alias": True}

    part: str
    was: Any = None
    is_: Any = Field(default=None, alias="is")


class CacheExplanation(Contract):
    """Why a task was, or was not, taken from the cache."""

    hit: bool
    used: bool
    """Whether the task asked the cache at all."""
    reason: str
    fingerprint: str | None = None
    parts: dict[str, Any] | None = None
    """What the fingerprint is made of."""
    origin: Origin | None = None
    """Where the outputs were taken from."""
    closest: Execution | None = None
    """The earlier execution whose fingerprint differs least."""
    differs: tuple[Difference, ...] | None = None


class FileLink(Contract):
    """A file of an artifact that is a folder."""

    path: str
    url: str


class Files(Contract):
    """The links of an artifact that is a folder; each works for an hour."""

    files: tuple[FileLink, ...] = ()


class NewExperiment(Contract):
    """The request for an experiment."""

    model_config = STRICT

    display_name: str = Field(min_length=1, max_length=128)
    namespace: str = Field(default="default", min_length=1, max_length=63)
    description: str = Field(default="", max_length=65536)


class RecurringRunChanges(RecurringRunDefinition):
    """What shall change of a recurring run; what is left out stays. A new source replaces the old
    one, and a trigger is given as a whole."""

    display_name: str = Field(default="", min_length=1, max_length=200)
    trigger: Trigger | None = None  # type: ignore[assignment]


class LimitChange(Contract):
    """How many runs may be active at one time; null is no limit."""

    model_config = STRICT

    max_active_runs: int | None = Field(ge=1, le=1_000_000)

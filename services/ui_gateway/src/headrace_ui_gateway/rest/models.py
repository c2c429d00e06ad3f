"""Models of ``/api/v1`` beyond the resources that the services share."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from headrace_contracts.access import Role
from headrace_contracts.base import Contract
from headrace_contracts.messages.events import Origin
from headrace_contracts.recurring import RecurringRunDefinition, Trigger
from pydantic import ConfigDict, Field

STRICT = ConfigDict(**{**Contract.model_config, "extra": "forbid"})


class Done(Contract):
    """The operation was carried out or accepted; there is no content."""


class Info(Contract):
    """The deployment, and the caller's rights in it."""

    name: Literal["headrace"] = "headrace"
    version: str
    apis: tuple[str, ...]
    """The path prefixes of its APIs."""
    roles: dict[str, Role]
    """The caller's role by namespace; ``*`` is every namespace."""
    max_package_bytes: int
    """Largest size of an uploaded package."""
    max_page_size: int
    """Largest number of items in a page of a list."""


class NamedTask(Contract):
    """A task's id and names."""

    task_id: UUID
    path: str
    display_name: str


class RerunPreview(Contract):
    """The tasks that a rerun would reuse from the earlier run, and those that it would run."""

    reuse: tuple[NamedTask, ...] = ()
    run: tuple[NamedTask, ...] = ()


class Execution(Contract):
    """An earlier execution of a component."""

    run_id: UUID
    task_id: UUID


class Difference(Contract):
    """A part that differs between two fingerprints. A missing value means that the fingerprint does
    not have the part."""

    model_config = {**Contract.model_config, "populate_by_name": True, "serialize_by_alias": True}

    part: str
    was: Any = None
    is_: Any = Field(default=None, alias="is")


class CacheExplanation(Contract):
    """Why a task came from the cache or did not."""

    hit: bool
    used: bool
    """Whether caching was enabled for the task."""
    reason: str
    fingerprint: str | None = None
    parts: dict[str, Any] | None = None
    """The parts of the fingerprint."""
    origin: Origin | None = None
    """The execution whose outputs were reused."""
    closest: Execution | None = None
    """The earlier execution with the fewest differences."""
    differs: tuple[Difference, ...] | None = None


class FileLink(Contract):
    """A file in an artifact that is a folder."""

    path: str
    url: str


class Files(Contract):
    """Links to the files of an artifact that is a folder, valid for an hour."""

    files: tuple[FileLink, ...] = ()


class NewExperiment(Contract):
    """A new experiment."""

    model_config = STRICT

    display_name: str = Field(min_length=1, max_length=128)
    namespace: str = Field(default="default", min_length=1, max_length=63)
    description: str = Field(default="", max_length=65536)


class RecurringRunChanges(RecurringRunDefinition):
    """Changes of a recurring run; omitted fields keep their values. A new pipeline or spec replaces
    the old one, and a trigger is replaced as a whole."""

    display_name: str = Field(default="", min_length=1, max_length=200)
    trigger: Trigger | None = None  # type: ignore[assignment]


class LimitChange(Contract):
    """The largest number of runs that are active at the same time; null means no limit."""

    model_config = STRICT

    max_active_runs: int | None = Field(ge=1, le=1_000_000)

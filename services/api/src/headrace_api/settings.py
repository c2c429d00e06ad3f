"""Settings of the api."""

from __future__ import annotations

from datetime import timedelta

from headrace_runtime.settings import (
    InternalHttpSettings,
    ObjectStoreSettings,
    PostgresSettings,
    ServiceSettings,
    SpaceSettings,
)
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from headrace_api.pipelines.rules.archives import MAX_BYTES


class Settings(
    ServiceSettings, PostgresSettings, InternalHttpSettings, ObjectStoreSettings, SpaceSettings
):
    """Read from ``HEADRACE_API_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_API_", frozen=True, extra="ignore")

    max_package_bytes: int = MAX_BYTES
    """The size limit of a package; a greater value has no effect."""
    package_url_seconds: float = Field(default=12.0, gt=0)
    """Timeout for fetching a package from a URL. The gateway waits 15 s for the response."""
    allow_private_package_urls: bool = False
    """Whether packages may be fetched from private addresses, including this machine."""
    recurring_tick_seconds: float = Field(default=1.0, gt=0)
    """How often due slots are submitted. Cron expressions may have seconds."""
    archive_runs_after_days: float | None = Field(default=None, gt=0)
    """Ended runs are archived this long after their end; None disables it."""
    delete_archived_runs_after_days: float | None = Field(default=None, gt=0)
    """Archived runs are deleted this long after they were archived; None disables it."""

    @property
    def archive_runs_after(self) -> timedelta | None:
        """`archive_runs_after_days` as a duration."""
        return _days(self.archive_runs_after_days)

    @property
    def delete_archived_runs_after(self) -> timedelta | None:
        """`delete_archived_runs_after_days` as a duration."""
        return _days(self.delete_archived_runs_after_days)


def _days(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)

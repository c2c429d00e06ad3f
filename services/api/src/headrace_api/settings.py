"""Settings of the api."""

from __future__ import annotations

from datetime import timedelta

from headrace_runtime.settings import (
    InternalHttpSettings,
    ObjectStoreSettings,
    PostgresSettings,
    ServiceSettings,
)
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, PostgresSettings, InternalHttpSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_API_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_API_", frozen=True, extra="ignore")

    max_package_bytes: int = 32 * 1024 * 1024
    """KFP's own limit for an upload."""
    package_url_seconds: float = Field(default=12.0, gt=0)
    """How long fetching a package from a URL may take: the gateway waits 15 s for an answer."""
    allow_private_package_urls: bool = False
    """Whether packages may be fetched from addresses of the own network, or of this machine."""
    recurring_tick_seconds: float = Field(default=1.0, gt=0)
    """How often due slots are looked for: a cron with seconds is met within one."""
    archive_runs_after_days: float | None = Field(default=None, gt=0)
    """Ended runs are archived so many days after their end; None leaves them in sight."""
    delete_archived_runs_after_days: float | None = Field(default=None, gt=0)
    """Archived runs are deleted so many days after they were archived; None keeps them."""

    @property
    def archive_runs_after(self) -> timedelta | None:
        """The first of the two as a duration."""
        return _days(self.archive_runs_after_days)

    @property
    def delete_archived_runs_after(self) -> timedelta | None:
        """The second of the two as a duration."""
        return _days(self.delete_archived_runs_after_days)


def _days(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)

"""Settings of the recorder."""

from __future__ import annotations

from headrace_runtime.settings import ObjectStoreSettings, ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_RECORDER_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_RECORDER_", frozen=True, extra="ignore")

    grant_seconds: int = 3600
    """How long a download link works: long enough for a large artifact, short enough to leak."""

"""Settings of the recorder."""

from __future__ import annotations

from headrace_runtime.settings import (
    InternalHttpSettings,
    ObjectStoreSettings,
    PostgresSettings,
    ServiceSettings,
)
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, PostgresSettings, InternalHttpSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_RECORDER_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_RECORDER_", frozen=True, extra="ignore")

    grant_seconds: int = 3600
    """How long a download link works: long enough for a large artifact, and short enough that a
    leaked link does little harm."""
    linger_seconds: float = 0.2
    """How long task events wait to be recorded in one batch: a step causes five events, and the
    delay is not noticeable. Events of runs are recorded at once."""

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
    """How long a download link works: long enough for a large artifact, short enough to leak."""
    linger_seconds: float = 0.2
    """How long news of tasks waits to be recorded together: a step causes five events, and no eye
    sees the delay. Who waits for the news of a run is not kept waiting."""

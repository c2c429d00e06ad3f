"""Settings of the recorder."""

from __future__ import annotations

from headrace_runtime.settings import (
    InternalHttpSettings,
    ObjectStoreSettings,
    ServiceSettings,
)
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, InternalHttpSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_RECORDER_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_RECORDER_", frozen=True, extra="ignore")

    grant_seconds: int = 3600
    """How long a download link works: long enough for a large artifact, short enough to leak."""
    linger_seconds: float = 0.02
    """How long events wait to be recorded together. A step causes five within some 30 ms: this
    halves the transactions, and no eye sees the delay."""

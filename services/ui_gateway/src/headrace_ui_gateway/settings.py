"""Settings of the gateway."""

from __future__ import annotations

from headrace_runtime.settings import (
    InternalHttpSettings,
    ObjectStoreSettings,
    ServiceSettings,
)
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, InternalHttpSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_UI_GATEWAY_*``."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_UI_GATEWAY_", frozen=True, extra="ignore"
    )

    api_url: str
    recorder_url: str
    max_package_bytes: int = 32 * 1024 * 1024
    """KFP's own limit for an upload."""
    live_per_second: float = 4.0
    """How often a page is told of news at most: the eye follows four changes a second."""
    heartbeat_seconds: float = 15.0
    """Proxies cut connections that are silent for 30 to 60 s."""

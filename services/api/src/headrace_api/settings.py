"""Settings of the api."""

from __future__ import annotations

from headrace_runtime.settings import ObjectStoreSettings, ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_API_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_API_", frozen=True, extra="ignore")

    max_package_bytes: int = 32 * 1024 * 1024
    """KFP's own limit for an upload."""

"""Settings of the scheduler."""

from __future__ import annotations

from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, PostgresSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_SCHEDULER_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_SCHEDULER_", frozen=True, extra="ignore")

    cluster: str = "local"
    """The executor that receives the launches."""
    tick_every_seconds: float = 0.25
    """How late a retry or a deadline may be: little compared with usual pauses."""
    keep_deleted_hours: float = 96.0
    """For how long a deleted run is remembered: a service that was away may still send events about
    it."""
    reconcile_every_seconds: float = 30.0
    """A tenth of `silence_seconds`, so that a silent task waits at most a tenth longer."""
    silence_seconds: float = 300.0
    """A launch without events for this long is sent again. The executor treats a duplicate as a
    status query, so a shorter time costs traffic, not correctness."""
    lookup_seconds: float = 30.0
    """A cache lookup without an answer for this long is repeated. Verifying outputs takes
    milliseconds, unless the object store is unavailable."""

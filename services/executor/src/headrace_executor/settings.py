"""Settings of the executor."""

from __future__ import annotations

import os
from pathlib import Path

from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, PostgresSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_EXECUTOR_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_EXECUTOR_", frozen=True, extra="ignore")

    cluster: str = "local"
    """The launches that this executor takes."""
    work_dir: Path
    """Each attempt gets a folder of its own in here; it goes when the attempt's end is known."""
    environments_dir: Path
    """Where the environments of steps are kept, one for each set of requirements."""
    data_dir: Path
    """Marks every process of this deployment, so that stopping it finds them all."""
    slots: int = Field(default_factory=lambda: max(2, os.cpu_count() or 2), ge=1)
    """Attempts at one time. A step is somebody's computation: one for each core keeps all of them
    busy, and two let a step that waits share a single one."""
    grace_seconds: float = 5.0
    """From asking a step to stop to killing it; a Kubernetes pod has 30, a laptop less patience."""
    log_limit_bytes: int = 64 * 1024 * 1024
    """Beyond this a log is no longer read by people; what comes after is counted and dropped."""
    log_inline_bytes: int = 4096
    """A log that is not larger travels with the step's end: an object of its own costs more than
    all that is in it. Messages have to stay small."""
    log_flush_seconds: float = 2.0
    """How far a live log may lag; each flush is one upload."""
    grant_seconds: int = 24 * 3600
    """How long a step may fetch inputs and deliver outputs; S3 allows a week at most."""

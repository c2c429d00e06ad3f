"""Settings of the executor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from headrace_runtime.settings import ObjectStoreSettings, PostgresSettings, ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings, PostgresSettings, ObjectStoreSettings):
    """Read from ``HEADRACE_EXECUTOR_*``."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_EXECUTOR_", frozen=True, extra="ignore")

    cluster: str = "local"
    """This executor takes the launches of this cluster. Several executors of one cluster share
    them."""
    backend: Literal["process"] = "process"
    """Where attempts run."""
    lease_seconds: float = Field(default=20.0, gt=0)
    """How long an executor may be silent before others take over its launches. It renews its lease
    four times as often, so a restart of Postgres does not look like its death."""
    work_dir: Path
    """Each attempt has a folder in it, until its end is committed. No two executors share it: it
    also holds the name under which its executor owns launches."""
    environments_dir: Path
    """Virtual environments of steps, one for each set of requirements, and the step package."""
    data_dir: Path
    """The data folder of the deployment. It is in the environment of each of its processes, by
    which `headrace down` finds them."""
    slots: int = Field(default_factory=lambda: max(2, os.cpu_count() or 2), ge=1)
    """Attempts at one time. A step is a computation: one for each core keeps all cores busy, and
    two let a step that waits share a single core."""
    grace_seconds: float = 5.0
    """From asking a step to stop to killing it. Kubernetes gives a pod 30 s; on a laptop people
    wait for it."""
    log_limit_bytes: int = 64 * 1024 * 1024
    """Longer logs are of little use to readers. Bytes beyond the limit are counted and dropped."""
    log_inline_bytes: int = 4096
    """A log that is not larger travels with the event of the step's end: an object of its own costs
    more than its content. Messages have to stay small."""
    log_flush_seconds: float = 2.0
    """How far a live log may lag behind; each flush is one upload."""
    transfers: int = Field(default=32, ge=1)
    """Attempts at one time whose command has ended and whose outputs are still uploaded, beside
    `slots`. While the object store is away they accumulate, each with a launcher of some MB; no
    further attempt starts beyond this."""
    grant_seconds: int = Field(default=7 * 24 * 3600, gt=0, le=7 * 24 * 3600)
    """How long a step may fetch inputs and upload outputs. As long as S3 allows: the outputs of a
    command that has ended are lost when they cannot be uploaded in this time."""

"""Settings that services share. Each service's own class combines them and sets the prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings of every service, read from the environment once, in `__main__`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    nats_url: SecretStr
    """``nats://user:password@host:port``."""
    http_host: str = "127.0.0.1"
    http_port: int
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class PostgresSettings(BaseSettings):
    """How to connect to Postgres, for services that keep state."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    postgres_dsn: SecretStr
    """``postgresql://user:password@host:port/database``; the role owns the service's schema."""
    postgres_pool_size: int = 8
    """Four services of 8 stay below the 60 connections of a small Postgres."""


class SpaceSettings(BaseSettings):
    """How much space must be free on the file systems of the deployment's stores. Only a
    deployment whose stores are on the same machine sets the folders."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    reserve_folders: tuple[Path, ...] = ()
    """As a JSON array. Without folders there is no reserve."""
    reserve_bytes: int = Field(default=256 * 1024**2, ge=0)
    """For each file system: about what Postgres' log, and the logs and small outputs of running
    steps, can take."""
    reserve_percent: float = Field(default=10.0, ge=0, le=100)
    """The reserve is at most this share of a file system, for those that are small."""


class InternalHttpSettings(BaseSettings):
    """For services that call each other over HTTP."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    service_token: SecretStr
    """Authenticates the gateway to the services behind it; page tokens are signed with it too."""


class ObjectStoreSettings(BaseSettings):
    """How to connect to the object store, for services that use it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    objects_endpoint: str
    objects_access_key: SecretStr
    objects_secret_key: SecretStr
    objects_bucket: str = "headrace"
    objects_region: str = "us-east-1"
